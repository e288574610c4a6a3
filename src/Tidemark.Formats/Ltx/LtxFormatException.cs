namespace Tidemark.Formats.Ltx;

/// <summary>An LTX file is damaged or is not one.</summary>
public sealed class LtxFormatException : TidemarkException
{
    internal LtxFormatException(LtxFault fault, string file, long offset)
        : this(fault, file, offset, LtxFaultText.Describe(fault))
    {
    }

    internal LtxFormatException(LtxFault fault, string file, long offset, string cause)
        : base($"{file}: {cause} at byte {offset}.", LtxFaultText.HintFor(fault))
        => (Fault, File, Offset) = (fault, file, offset);

    /// <summary>What is wrong.</summary>
    public LtxFault Fault { get; }

    /// <summary>The file.</summary>
    public string File { get; }

    /// <summary>Where, in bytes from the start of the file.</summary>
    public long Offset { get; }
}
