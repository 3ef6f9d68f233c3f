using Google.Protobuf;

namespace Berth.Manager.Access;

/// <summary>Finds what a request asks for and this release has no word for. Protocol Buffers pass over it, and a wish would be lost without a word.</summary>
internal static class UnknownFields
{
    /// <summary>Why a request of a person is not taken; null when every field of it is known.</summary>
    /// <param name="request">As it was read.</param>
    /// <param name="level">This manager's release level.</param>
    public static string? Problem(IMessage request, int level)
    {
        var size = request.CalculateSize();
        if (size == 0)
            return null;
        // Read once more without what is not known: it is shorter then, wherever in it that was.
        var known = request.Descriptor.Parser.WithDiscardUnknownFields(true).ParseFrom(request.ToByteString());
        return known.CalculateSize() == size
            ? null
            : $"the {request.Descriptor.Name} asks for something that this manager (release level {level}) does not know, so it did nothing: "
                + "upgrade all managers first ('berth version' compares), or leave the newer flag or key out";
    }
}
