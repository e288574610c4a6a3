namespace Tidemark.Testing.Stores;

/// <summary>How a call of a store fails.</summary>
public enum StoreFault
{
    /// <summary>Nothing was done.</summary>
    Before,

    /// <summary>It was done, but the answer got lost.</summary>
    After,

    /// <summary>A write or a read breaks off in the middle of the content.</summary>
    Midway,

    /// <summary>The file is gone, as if retention had removed it meanwhile.</summary>
    NotFound,
}
