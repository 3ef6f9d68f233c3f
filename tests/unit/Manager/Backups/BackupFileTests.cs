using Berth.Manager.Backups;
using Berth.Manager.Store;
using Berth.Model;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Backups;

public sealed class BackupFileTests
{
    private const string Passphrase = "correct horse battery";

    private static readonly ClusterState State = ClusterState.Empty
        .Committed(new Change.ClusterFormed(new ClusterId(7)), new Change.LeaderElected(3))
        .After(ANode(1), new Command.CreateService(ASpec("web")), new Command.SetAutolock(true, "BERTHKEY-1-secret"),
            new Command.AdmitClient("ann", ClientRole.Admin, [], "0A", Noon.AddDays(1)))
        .WithTasks("web", 3);

    private static readonly List<byte[]> Parts = [.. BackupFile.Write(State, Passphrase, "0.2.0", Noon).Select(part => part.ToArray())];

    private static readonly byte[] Whole = [.. Parts.SelectMany(part => part)];

    [Fact]
    public void What_was_backed_up_is_read_back()
    {
        var content = Read(Whole);
        var state = content.ToState();

        Assert.Equal((State.Index, State.ClusterId, State.Epoch, State.UnlockKey), (state.Index, state.ClusterId, state.Epoch, state.UnlockKey));
        Assert.Equal(State.Services.Values, state.Services.Values);
        Assert.Equal(State.Clients.Values, state.Clients.Values);
        Assert.Equal(State.Tasks.Count, state.Tasks.Count);
        Assert.Contains("services: 1 in 0 stacks", content.Describe());
        Assert.Contains("nodes:    1", content.Describe());
        Assert.Contains(content.Describe(), line => line.Contains("2026-03-01 12:00:00 UTC"));
    }

    [Fact]
    public void A_backup_shows_nothing_of_what_is_in_it()
    {
        Assert.Equal(-1, Whole.AsSpan().IndexOf("BERTHKEY"u8));
        Assert.Equal(-1, Whole.AsSpan().IndexOf("web"u8));
    }

    [Fact]
    public void Another_passphrase_is_said_to_be_wrong() => Assert.Contains("passphrase is wrong", Problem(Whole, "incorrect horse"));

    [Fact]
    public void What_is_no_backup_is_said_to_be_none()
    {
        Assert.Contains("no backup", Problem([]));
        Assert.Contains("no backup", Problem([.. "SQLite format 3"u8, .. new byte[100]]));
    }

    [Fact]
    public void A_newer_backup_is_said_to_be_newer()
    {
        var newer = (byte[])Whole.Clone();
        newer[9] = 2;
        Assert.Contains("format 2", Problem(newer));
    }

    [Fact]
    public void A_bit_changed_in_any_part_is_found()
    {
        var at = Parts[0].Length;
        foreach (var part in Parts.Skip(1))
        {
            // In the length, at the first and last byte of the text, and in the tag.
            foreach (var offset in new[] { 0, BackupSeal.LengthBytes - 1, BackupSeal.LengthBytes, part.Length - BackupSeal.TagBytes - 1, part.Length - 1 })
            {
                var changed = (byte[])Whole.Clone();
                changed[at + offset] ^= 1;
                Assert.Matches("damaged|cut off", Problem(changed));
            }
            at += part.Length;
        }
    }

    [Fact]
    public void A_backup_cut_off_anywhere_is_found()
    {
        var at = Parts[0].Length;
        foreach (var part in Parts.Skip(1))
        {
            Assert.Contains("cut off", Problem(Whole[..at]));
            Assert.Contains("cut off", Problem(Whole[..(at + part.Length - 1)]));
            at += part.Length;
        }
    }

    [Fact]
    public void Parts_that_are_moved_left_out_or_doubled_are_found()
    {
        for (var number = 1; number < Parts.Count - 1; number++)
        {
            Assert.Contains("damaged", Problem(Join([.. Parts.Take(number), .. Parts.Skip(number + 1)])));
            Assert.Contains("damaged", Problem(Join([.. Parts.Take(number), Parts[number], .. Parts.Skip(number)])));
            Assert.Contains("damaged", Problem(Join([.. Parts.Take(number), Parts[number + 1], Parts[number], .. Parts.Skip(number + 2)])));
        }
        Assert.Contains("follows its end", Problem([.. Whole, 0]));
    }

    [Fact]
    public void The_end_of_one_backup_does_not_end_another()
    {
        var other = BackupFile.Write(State, Passphrase, "0.2.0", Noon).Select(part => part.ToArray()).ToList();

        Assert.Contains("damaged", Problem(Join([.. Parts.SkipLast(1), other[^1]])));
    }

    private static byte[] Join(IEnumerable<byte[]> parts) => [.. parts.SelectMany(part => part)];

    private static BackupContent Read(byte[] bytes, string passphrase = Passphrase)
    {
        using var file = new MemoryStream(bytes);
        return BackupFile.Read(file, passphrase);
    }

    private static string Problem(byte[] bytes, string passphrase = Passphrase) =>
        Assert.Throws<BackupException>(() => Read(bytes, passphrase)).Message;
}
