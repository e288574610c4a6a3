using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace Tidemark.Replicas.Files;

/// <summary>Notices of Linux, with one inotify instance and one thread for everything that is watched.</summary>
/// <remarks>
/// Where there is no inotify, or the user's watches are used up, arming fails. https://man7.org/linux/man-pages/man7/inotify.7.html
/// </remarks>
internal sealed partial class LinuxFileWatch : IFileWatch
{
    private const uint Modified = 0x2 | 0x4 | 0x8 | 0x400 | 0x800; // IN_ATTRIB, IN_CLOSE_WRITE, IN_DELETE_SELF, IN_MOVE_SELF
    private const uint Appeared = 0x80 | 0x100; // IN_MOVED_TO; IN_CREATE, since a name can also come by a hard link.
    private const uint Ended = 0x8000; // IN_IGNORED
    private const uint Once = 0x80000000;
    private const uint SelfDeleted = 0x400;
    private const int CloseOnExec = 0x80000;
    private const int BufferSize = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Action> _handlers = [];

    // Folders in which names are awaited. They are watched as long as one is, since what else appears there must not end it.
    private readonly Dictionary<int, Dictionary<string, Action>> _names = [];
    private readonly int _instance = -1;
    private readonly int _endWatch = -1;
    private bool _isEnded;

    public LinuxFileWatch()
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
        new Thread(ReadEvents) { IsBackground = true, Name = "file watch" }.Start();
    }

    /// <inheritdoc/>
    public bool TryArmContent(string path, Action changed) => TryArm(path, Modified, changed);

    /// <inheritdoc/>
    public bool TryArmNames(string folder, Action appeared) => TryArm(folder, Appeared, appeared);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_instance >= 0 && !_isEnded)
            {
                _isEnded = true;
                _handlers.Clear();
                _names.Clear();
                _ = InotifyRemoveWatch(_instance, _endWatch);
            }
        }
    }

    /// <inheritdoc/>
    public bool TryArmName(string path, Action appeared)
    {
        lock (_gate)
        {
            if (_instance < 0 || _isEnded)
            {
                return false;
            }

            var watch = InotifyAddWatch(_instance, Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".", Appeared);
            if (watch < 0)
            {
                return false;
            }

            if (!_names.TryGetValue(watch, out var names))
            {
                _names[watch] = names = new Dictionary<string, Action>(StringComparer.Ordinal);
            }

            names[Path.GetFileName(path)] = appeared;
            return true;
        }
    }

    private bool TryArm(string path, uint what, Action handler)
    {
        lock (_gate)
        {
            if (_instance < 0 || _isEnded)
            {
                return false;
            }

            var watch = InotifyAddWatch(_instance, path, what | Once);
            if (watch >= 0)
            {
                _handlers[watch] = handler;
            }

            return watch >= 0;
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
            var name = events.Slice(HeadSize, BitConverter.ToInt32(events[12..]));
            events = events[(HeadSize + name.Length)..];
            Action? handler;
            lock (_gate)
            {
                if (_isEnded)
                {
                    return false;
                }

                handler = _names.TryGetValue(watch, out var names) ? TakeName(watch, names, mask, name) : TakeHandler(watch);
            }

            if ((mask & Ended) == 0)
            {
                handler?.Invoke();
            }
        }

        return true;
    }

    // A watch that has fired reports its end too, and its number is used again only after that.
    private Action? TakeHandler(int watch) => _handlers.Remove(watch, out var handler) ? handler : null;

    private Action? TakeName(int watch, Dictionary<string, Action> names, uint mask, ReadOnlySpan<byte> name)
    {
        if ((mask & Ended) != 0)
        {
            _names.Remove(watch);
            return null;
        }

        var end = name.IndexOf((byte)0);
        if (!names.Remove(Encoding.UTF8.GetString(end < 0 ? name : name[..end]), out var handler))
        {
            return null;
        }

        if (names.Count == 0)
        {
            _names.Remove(watch);
            _ = InotifyRemoveWatch(_instance, watch);
        }

        return handler;
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
