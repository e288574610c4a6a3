namespace Tidemark.Formats.Ltx;

/// <summary>Where the frame of a page lies in its file.</summary>
/// <param name="Offset">Offset of the frame header, in bytes.</param>
/// <param name="Length">Bytes of the frame, header included.</param>
public readonly record struct LtxFrameLocation(long Offset, int Length);
