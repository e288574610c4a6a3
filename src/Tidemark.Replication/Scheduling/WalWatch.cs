using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tidemark.Replication.Scheduling;

/// <summary>Notices changes of WAL files, with one inotify instance and one thread for all databases of the process.</summary>
/// <remarks>
/// Every watch reports one change and is then silent until it is armed again, so a busy database costs one notice a capture, not one a
/// write. Where there is no inotify, or the user's watches are used up, arming fails and the sweep has to do. Thread-safe.
/// </remarks>
internal sealed partial class WalWatch : IDisposable
{
    private const uint Modified = 0x2;
    private const uint Once = 0x80000000;
    private const uint SelfDeleted = 0x400;
    private const int CloseOnExec = 0x80000;
    private const int BufferSize = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Action> _handlers = [];
    private readonly int _instance = -1;
    private readonly int _endWatch = -1;
    private bool _isEnded;

    public WalWatch()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        _instance = InotifyInit(CloseOnExec);
        if (_instance < 0)
        {
            return;
        }

        // Removing this watch is what wakes the thread for the last time.
        _endWatch = InotifyAddWatch(_instance, "/", SelfDeleted);
        new Thread(ReadEvents) { IsBackground = true, Name = "WAL watch" }.Start();
    }

    /// <summary>Reports the next change of a file, once. Arming a file that is armed replaces its handler.</summary>
    /// <param name="path">Path of the WAL. If it does not exist, nothing is reported.</param>
    /// <param name="changed">Called on the watching thread; must return at once.</param>
    /// <returns>False when nothing will be reported.</returns>
    public bool TryArm(string path, Action changed)
    {
        lock (_gate)
        {
            if (_instance < 0 || _isEnded)
            {
                return false;
            }

            var watch = InotifyAddWatch(_instance, path, Modified | Once);
            if (watch >= 0)
            {
                _handlers[watch] = changed;
            }

            return watch >= 0;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_instance >= 0 && !_isEnded)
            {
                _isEnded = true;
                _handlers.Clear();
                _ = InotifyRemoveWatch(_instance, _endWatch);
            }
        }
    }

    [SupportedOSPlatform("linux")]
    private void ReadEvents()
    {
        Span<byte> buffer = stackalloc byte[BufferSize];
        while (true)
        {
            var length = (int)ReadDescriptor(_instance, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (length <= 0 && Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw new Win32Exception(); // Only a programming error ends here; a silent watch would be worse.
            }

            if (!Dispatch(buffer[..Math.Max(0, length)]))
            {
                _ = CloseDescriptor(_instance);
                return;
            }
        }
    }

    private const int Interrupted = 4;

    // struct inotify_event: int wd; uint mask; uint cookie; uint len; char name[len]
    private bool Dispatch(ReadOnlySpan<byte> events)
    {
        const int HeadSize = 16;
        while (events.Length >= HeadSize)
        {
            var watch = BitConverter.ToInt32(events);
            var mask = BitConverter.ToUInt32(events[4..]);
            events = events[(HeadSize + BitConverter.ToInt32(events[12..]))..];
            Action? handler = null;
            lock (_gate)
            {
                if (_isEnded)
                {
                    return false;
                }

                // A watch that has fired reports its end too, and its number is used again only after that.
                if ((mask & Modified) != 0)
                {
                    _handlers.Remove(watch, out handler);
                }
            }

            handler?.Invoke();
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int InotifyInit(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InotifyAddWatch(int instance, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "inotify_rm_watch", SetLastError = true)]
    private static partial int InotifyRemoveWatch(int instance, int watch);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadDescriptor(int descriptor, ref byte buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseDescriptor(int descriptor);
}
