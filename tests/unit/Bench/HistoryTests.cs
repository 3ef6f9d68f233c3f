using Berth.Bench.Histories;
using CsCheck;

namespace Berth.Tests.Bench;

/// <summary>The checkers that the nemesis relies on find what they are for, and nothing else.</summary>
public sealed class HistoryTests
{
    private static readonly Gen<Operation[]> Histories =
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 3], Gen.Int[0, 12], Gen.Int[0, 6], Gen.Int[0, 5]).Array[0, 6].Select(Build);

    [Fact]
    public void The_checker_of_registers_agrees_with_trying_every_order() => Histories.Sample(
        history => Assert.Equal(AnyOrderExplains(history), RegisterChecker.Check(history).Count == 0),
        iter: 20_000, print: history => string.Join('\n', history.AsEnumerable()));

    [Fact]
    public void Faithful_histories_pass_at_length() => Gen.Int[0, 100].Sample(seed =>
    {
        var history = SimulatedRegister.Run(seed, calls: 400, SimulatedRegister.Fault.None);
        Assert.Empty(RegisterChecker.Check(history));
        Assert.Empty(VersionChecker.Check(history));
    }, iter: 30);

    [Theory]
    [InlineData(SimulatedRegister.Fault.LostAcknowledgement)]
    [InlineData(SimulatedRegister.Fault.StaleConsistentRead)]
    public void A_planted_fault_is_found_in_registers(SimulatedRegister.Fault fault) => Gen.Int[0, 100].Sample(
        seed => Assert.NotEmpty(RegisterChecker.Check(SimulatedRegister.Run(seed, calls: 400, fault))), iter: 30);

    [Theory]
    [InlineData(SimulatedRegister.Fault.VersionBackwards)]
    [InlineData(SimulatedRegister.Fault.TwoLogs)]
    public void A_planted_fault_is_found_in_versions(SimulatedRegister.Fault fault) => Gen.Int[0, 100].Sample(
        seed => Assert.NotEmpty(VersionChecker.Check(SimulatedRegister.Run(seed, calls: 400, fault))), iter: 30);

    [Fact]
    public void A_write_of_unknown_end_may_show_up_late_or_never()
    {
        var unknown = Call(OperationKind.Write, 1, 0, 2, Outcome.Unknown);
        Assert.Empty(RegisterChecker.Check([unknown, Call(OperationKind.ConsistentRead, 0, 5, 6)]));
        Assert.Empty(RegisterChecker.Check([unknown, Call(OperationKind.ConsistentRead, 0, 5, 6), Call(OperationKind.ConsistentRead, 1, 7, 8)]));
        Assert.NotEmpty(RegisterChecker.Check([unknown, Call(OperationKind.ConsistentRead, 1, 5, 6), Call(OperationKind.ConsistentRead, 0, 7, 8)]));
    }

    [Fact]
    public void What_nobody_wrote_or_what_was_refused_cannot_be_read()
    {
        Assert.NotEmpty(RegisterChecker.Check([Call(OperationKind.ConsistentRead, 9, 0, 1)]));
        Assert.NotEmpty(RegisterChecker.Check([Call(OperationKind.Write, 9, 0, 1, Outcome.Failed), Call(OperationKind.ConsistentRead, 9, 2, 3)]));
        Assert.NotEmpty(RegisterChecker.Check([Call(OperationKind.ConsistentRead, 9, 0, 1), Call(OperationKind.Write, 9, 2, 3)]));
    }

    [Fact]
    public void A_history_is_read_back_as_it_was_written()
    {
        var history = SimulatedRegister.Run(7, calls: 50, SimulatedRegister.Fault.None);
        using var text = new StringWriter();
        HistoryFile.Write(text, history);
        using var back = new StringReader(text.ToString());
        Assert.Equal(history, HistoryFile.Read(back));
    }

    private static Operation Call(OperationKind kind, long value, int called, int returned, Outcome outcome = Outcome.Done) =>
        new(0, "m", kind, "r", value, 0, TimeSpan.FromSeconds(called), TimeSpan.FromSeconds(returned), outcome);

    private static Operation[] Build((int Kind, int Value, int Called, int Length, int Outcome)[] drawn)
    {
        var history = new List<Operation>();
        foreach (var (kind, value, called, length, outcome) in drawn)
        {
            var isWrite = kind == 0 && value > 0 && history.TrueForAll(call => call.Kind != OperationKind.Write || call.Value != value);
            history.Add(Call(isWrite ? OperationKind.Write : OperationKind.ConsistentRead, value, called, called + length,
                isWrite ? outcome switch { 0 => Outcome.Unknown, 1 => Outcome.Failed, _ => Outcome.Done } : Outcome.Done));
        }
        return [.. history];
    }

    // The definition, tried out: is there an order that respects time, in which each read tells the write before it?
    private static bool AnyOrderExplains(IReadOnlyList<Operation> history) =>
        Explains([.. history.Where(call => call.Outcome != Outcome.Failed)], 0);

    private static bool Explains(IReadOnlyList<Operation> left, long value) =>
        left.All(call => call.Outcome == Outcome.Unknown) || left.Any(call =>
            left.All(other => other == call || other.Outcome == Outcome.Unknown || other.Returned >= call.Called)
            && (call.Kind == OperationKind.Write || call.Value == value)
            && Explains([.. left.Where(other => !ReferenceEquals(other, call))], call.Value));
}
