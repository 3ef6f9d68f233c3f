using System.Text.Json;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Output;

public sealed class GoTemplateTests
{
    private static readonly JsonElement Row =
        JsonDocument.Parse("""{"ID":"abc","Name":"web","Running":3,"CurrentState":"Running","Spec":{"Labels":{"a":"1"}},"None":null}""").RootElement;

    [Theory]
    [InlineData("{{.Name}}", "web")]
    [InlineData("{{ .Name }} {{.Running}}", "web 3")]
    [InlineData("{{.Name}}\\t{{.ID}}", "web\tabc")]
    [InlineData("{{json .Spec.Labels}}", """{"a":"1"}""")]
    [InlineData("{{json .Name}}", "\"web\"")]
    [InlineData("{{upper .Name}}-{{lower .CurrentState}}", "WEB-running")]
    [InlineData("{{.Spec.Labels.a}}", "1")]
    [InlineData("[{{.None}}]", "[]")]
    [InlineData("no fields", "no fields")]
    public void Fields_are_put_where_the_template_names_them(string template, string expected) =>
        Assert.Equal(expected, GoTemplate.Parse(template).Render(Row));

    [Theory]
    [InlineData("{{range .Spec}}", "template action '{{range .Spec}}' is not supported")]
    [InlineData("{{.Name", "template '{{.Name' has '{{' at 1 without '}}'")]
    public void What_it_cannot_do_it_refuses(string template, string message)
    {
        var error = Assert.Throws<UserError>(() => GoTemplate.Parse(template));
        Assert.Equal(message, error.Message);
        Assert.Equal(ExitCode.WrongUsage, error.Code);
    }

    [Fact]
    public void A_field_that_does_not_exist_is_named_with_those_that_do()
    {
        var error = Assert.Throws<UserError>(() => GoTemplate.Parse("{{.Spec.Nam}}").Render(Row));
        Assert.Equal("template field '.Spec.Nam': there is no 'Nam'", error.Message);
        Assert.Equal("known here: Labels", error.Next);
    }

    [Fact]
    public void A_table_template_has_headings() =>
        Assert.Equal("ID    CURRENT STATE\nabc   Running\n", GoTemplate.Parse("{{.ID}}\\t{{.CurrentState}}").RenderRows([Row], withHeader: true));
}
