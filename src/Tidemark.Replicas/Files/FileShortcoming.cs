namespace Tidemark.Replicas.Files;

/// <summary>What some file systems cannot do, as those of networks and of other systems, and what is done without then.</summary>
public enum FileShortcoming
{
    /// <summary>Making the names in a folder durable. A loss of power may take the newest ones.</summary>
    FolderSync,

    /// <summary>Setting the modification time of a file. A replica takes the moment at which a file was written for that of its
    /// capture.</summary>
    ModificationTimes,

    /// <summary>Giving a file to another user, as root may. It stays root's.</summary>
    Owners,
}
