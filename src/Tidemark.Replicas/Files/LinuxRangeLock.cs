using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tidemark.Replicas.Files;

/// <summary>Locks on ranges of bytes as Linux has them (<c>fcntl</c>), which programs that use the older kind see and respect
/// too.</summary>
/// <remarks>
/// A lock belongs to the open file (<c>F_OFD_SETLK</c>) where the system can do that. So it excludes other users of the file in this
/// process as well, and closing another handle on the file does not drop it. Where it cannot, a lock belongs to the process.
/// https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal partial struct LinuxRangeLock
{
    private const int FindOfProcess = 5; // F_GETLK
    private const int FindOfOpenFile = 36; // F_OFD_GETLK
    private const int OfProcess = 6; // F_SETLK
    private const int OfOpenFile = 37; // F_OFD_SETLK
    private const short Shared = 0; // F_RDLCK
    private const short Exclusive = 1; // F_WRLCK
    private const short None = 2; // F_UNLCK
    private const int Again = 11;
    private const int Denied = 13;
    private const int InvalidArgument = 22;

    private static volatile bool s_lacksOpenFileLocks;

    private short _kind;
    private short _from; // The beginning of the file.
    private long _offset;
    private long _length;
    private int _process;

    /// <summary>Locks a range without waiting; false when somebody else has a lock that stands against it.</summary>
    public static bool TryTake(SafeFileHandle file, long offset, long length, bool isShared)
        => TrySet(file, isShared ? Shared : Exclusive, offset, length);

    /// <summary>Gives a range back.</summary>
    public static void Release(SafeFileHandle file, long offset, long length) => TrySet(file, None, offset, length);

    /// <summary>Looks for a lock of somebody else on a range, of either kind, without taking one.</summary>
    /// <param name="file">Open for reading at least.</param>
    /// <param name="offset">Where the range begins.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="process">Who holds it; 0 or less where the system does not tell.</param>
    public static bool TryFindHolder(SafeFileHandle file, long offset, long length, out int process)
    {
        while (true)
        {
            var ofOpenFile = !s_lacksOpenFileLocks;
            var range = new LinuxRangeLock { _kind = Exclusive, _offset = offset, _length = length };
            if (Set(file, ofOpenFile ? FindOfOpenFile : FindOfProcess, ref range) == 0)
            {
                process = range._process;
                return range._kind != None;
            }

            if (Marshal.GetLastPInvokeError() != InvalidArgument || !ofOpenFile)
            {
                throw new IOException($"Cannot look for locks on a range of the file: {Marshal.GetLastPInvokeErrorMessage()}");
            }

            s_lacksOpenFileLocks = true;
        }
    }

    private static bool TrySet(SafeFileHandle file, short kind, long offset, long length)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("Ranges of a file can be locked on Linux only.");
        }

        while (true)
        {
            var ofOpenFile = !s_lacksOpenFileLocks;
            var range = new LinuxRangeLock { _kind = kind, _offset = offset, _length = length };
            if (Set(file, ofOpenFile ? OfOpenFile : OfProcess, ref range) == 0)
            {
                return true;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Again or Denied:
                    return false;
                case InvalidArgument when ofOpenFile:
                    s_lacksOpenFileLocks = true;
                    break;
                default:
                    throw new IOException($"Cannot lock a range of the file: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Set(SafeFileHandle file, int command, ref LinuxRangeLock range);
}
