using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Berth.Model;

/// <summary>Where new ids come from. Shells own one; decisions never do.</summary>
public abstract class IdSource
{
    /// <summary>Ids nobody can guess, from the system's random source.</summary>
    public static IdSource Random { get; } = new SystemIdSource();

    /// <summary>The same ids in the same order for the same seed: for tests and simulations.</summary>
    public static IdSource Seeded(int seed) => new SeededIdSource(seed);

    /// <summary>A new id's value; never the same twice.</summary>
    public abstract UInt128 Next();

    private sealed class SystemIdSource : IdSource
    {
        public override UInt128 Next()
        {
            Span<byte> bits = stackalloc byte[16];
            RandomNumberGenerator.Fill(bits);
            return BinaryPrimitives.ReadUInt128LittleEndian(bits);
        }
    }

    private sealed class SeededIdSource(int seed) : IdSource
    {
        private readonly Random _random = new(seed);

        public override UInt128 Next()
        {
            Span<byte> bits = stackalloc byte[16];
            _random.NextBytes(bits);
            return BinaryPrimitives.ReadUInt128LittleEndian(bits);
        }
    }
}
