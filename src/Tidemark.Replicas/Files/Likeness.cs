namespace Tidemark.Replicas.Files;

/// <summary>What a new file takes of the rights of another one.</summary>
public enum Likeness
{
    /// <summary>Mode and owner: whoever may do something with the one may do it with the other. For what takes the place of a file, or lies
    /// beside it and is used by the same programs.</summary>
    Same,

    /// <summary>The group, and who may read: the file belongs to the user of the process, and nobody else may write it. For copies that must
    /// outlast the other file, whatever becomes of its user.</summary>
    ReadersOnly,

    /// <summary>The owner, who alone may do anything with it; also that of a folder. For what no other program uses.</summary>
    OwnerOnly,
}
