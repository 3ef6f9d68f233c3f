using Berth.Cli.Output;

namespace Berth.Tests.Cli.Output;

public sealed class TextTableTests
{
    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell_and_three_spaces() =>
        Assert.Equal("ID    NAME   PORTS\nabc   web\n12    db     *:1->2\n",
            TextTable.Render(["ID", "NAME", "PORTS"], [["abc", "web", ""], ["12", "db", "*:1->2"]]));

    [Fact]
    public void A_table_without_rows_is_its_headings() => Assert.Equal("ID   NAME\n", TextTable.Render(["ID", "NAME"], []));
}
