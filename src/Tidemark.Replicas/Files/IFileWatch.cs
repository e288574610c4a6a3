namespace Tidemark.Replicas.Files;

/// <summary>Notices of changes in the file system, for many paths at once.</summary>
/// <remarks>
/// <para>What is armed reports one change and is then silent until it is armed again, so a busy file costs one notice each time that
/// somebody has looked, not one a write. Arming what is armed replaces what is called.</para>
/// <para>Not every file system gives notices, none tells what other machines do, and their number is limited: whoever waits for them must
/// look by itself from time to time. Thread-safe.</para>
/// </remarks>
public interface IFileWatch : IDisposable
{
    /// <summary>Reports the next change of a file: of its content, its name or its rights, or that somebody who could write it has closed
    /// it.</summary>
    /// <param name="path">If there is no such file, nothing is reported.</param>
    /// <param name="changed">Called on the watching thread; must return at once.</param>
    /// <returns>False when nothing will be reported: there is no such file, or there are no notices (any more).</returns>
    bool TryArmContent(string path, Action changed);

    /// <summary>Reports the next name that appears in a folder, be it created there or moved there.</summary>
    /// <param name="folder">If there is no such folder, nothing is reported.</param>
    /// <param name="appeared">Called on the watching thread; must return at once.</param>
    /// <returns>False when nothing will be reported: there is no such folder, or there are no notices (any more).</returns>
    bool TryArmNames(string folder, Action appeared);

    /// <summary>Reports that a name appears, be it created or moved there. Any number of names of one folder can be armed.</summary>
    /// <param name="path">If its folder does not exist, nothing is reported.</param>
    /// <param name="appeared">Called on the watching thread; must return at once.</param>
    /// <returns>False when nothing will be reported: there is no such folder, or there are no notices (any more).</returns>
    bool TryArmName(string path, Action appeared);
}
