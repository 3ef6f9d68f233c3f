using Berth.Model;

namespace Berth.Stacks;

/// <summary>What reading stack files came to.</summary>
/// <param name="Spec">What they ask for; null when there is a problem.</param>
/// <param name="Problems">Everything that is wrong, in the order of the files; empty when the spec is valid.</param>
/// <param name="Warnings">What works, but perhaps not as meant.</param>
public sealed record StackFileResult(
    StackSpec? Spec, ValueList<StackFileProblem> Problems, ValueList<StackFileProblem> Warnings);
