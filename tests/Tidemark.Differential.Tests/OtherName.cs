namespace Tidemark.Differential.Tests;

/// <summary>Through which name the application opens the database.</summary>
public enum OtherName
{
    /// <summary>Its own.</summary>
    None,

    /// <summary>The file is mounted at another place, which only the application sees, as into a container.</summary>
    BindMount,

    /// <summary>A second name of the same file in another folder.</summary>
    HardLink,
}
