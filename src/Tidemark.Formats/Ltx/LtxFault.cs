namespace Tidemark.Formats.Ltx;

/// <summary>What is wrong with an LTX file.</summary>
public enum LtxFault
{
    /// <summary>Nothing.</summary>
    None,
}
