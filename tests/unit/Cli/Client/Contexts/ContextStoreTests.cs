using Berth.Cli.Client.Contexts;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Client.Contexts;

public sealed class ContextStoreTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cli-").FullName;
    private readonly TestAuthority _authority = new();

    private ContextStore Store => new(_folder);

    [Fact]
    public void What_was_stored_is_there_again_and_only_its_owner_may_read_it()
    {
        Store.Put("prod", _authority.Bundle("ann", "https://10.0.0.1:2400", "https://10.0.0.2:2400"));

        Assert.Equal(["https://10.0.0.1:2400", "https://10.0.0.2:2400"], Store.Get("prod", "test").Managers);
        Assert.Equal("ann", Store.Identity("prod").Load()!.Subject.Name);
        string[] secret = [Store.FilePath, Store.Identity("prod").KeyPath, Store.Identity("prod").CertificatePath];
        Assert.All(secret, file => Assert.Equal(OwnerOnly, File.GetUnixFileMode(file)));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Store.Identity("prod").Directory));
    }

    [Fact]
    public void An_exported_context_can_be_imported_elsewhere()
    {
        Store.Put("prod", _authority.Bundle("ann", "https://10.0.0.1:2400"));
        var bundle = Store.Export("prod");

        var other = new ContextStore(Path.Combine(_folder, "other"));
        other.Put("here", bundle);

        Assert.Equal(bundle with { Name = "here" }, other.Export("here") with { Managers = bundle.Managers });
    }

    [Fact]
    public void A_replaced_context_has_the_new_key()
    {
        Store.Put("prod", _authority.Bundle("ann", "https://10.0.0.1:2400"));
        Store.Put("prod", _authority.Bundle("bob", "https://10.0.0.1:2400"));

        Assert.Equal("bob", Store.Identity("prod").Load()!.Subject.Name);
    }

    [Fact]
    public void A_removed_context_leaves_no_key_and_is_not_in_use_any_more()
    {
        Store.Put("prod", _authority.Bundle("ann", "https://10.0.0.1:2400"));
        Store.Use("prod");

        Store.Remove("prod");

        Assert.Equal(["contexts.json"], Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories).Select(Path.GetFileName));
        Assert.Equal("", Store.Read().Current);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("../etc")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData(".hidden")]
    public void Names_that_would_lead_elsewhere_are_refused(string name) =>
        Assert.Equal(ExitCode.WrongUsage, Assert.Throws<UserError>(() => Store.Put(name, _authority.Bundle("ann", "https://10.0.0.1"))).Code);

    [Fact]
    public void A_key_that_does_not_fit_its_certificate_is_refused_and_the_earlier_context_stays()
    {
        Store.Put("prod", _authority.Bundle("ann", "https://10.0.0.1:2400"));

        var error = Assert.Throws<UserError>(() => Store.Put("prod", _authority.Bundle("bob", "https://10.0.0.1") with { Key = _authority.Bundle("eve", "https://10.0.0.1").Key }));

        Assert.Contains("the key is not the one of the certificate", error.Message);
        Assert.Equal("ann", Store.Identity("prod").Load()!.Subject.Name);
    }

    [Fact]
    public void A_damaged_file_is_said_with_its_path()
    {
        File.WriteAllText(Store.FilePath, "{");

        Assert.StartsWith($"contexts cannot be read from {Store.FilePath}:", Assert.Throws<UserError>(Store.Read).Message);
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
