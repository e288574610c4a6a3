namespace Tidemark.Replication.Scheduling;

/// <summary>Which sweeps look at a database: each one while changes come or no notice of them is awaited, at rest every eighth, and every
/// thirty-second one while it is closed.</summary>
/// <remarks>
/// <para>A commit can come long after the notice of its last frame, where the disk is slow. After that, where a notice is awaited, a look
/// finds only what a lost one did not tell. What is looked at is in no cache by then, so thousands of looks a second cost more than they
/// seem.</para>
/// <para><see cref="Disarm"/> may be called from any thread; the other members by the sweep, or between two sweeps.</para>
/// </remarks>
/// <param name="random">Spreads databases that come to rest together over different sweeps.</param>
internal sealed class SweepPace(Random random)
{
    private const int LooksUntilRest = 60;
    private const int SweepsPerLookAtRest = 8;
    private const int SweepsPerLookWhenClosed = 32;
    private const int LooksPerMoveCheck = 4;

    private int _sweepsPerLook = SweepsPerLookAtRest;
    private int _looksUntilRest;
    private int _sweepsToPass;
    private int _looks;
    private volatile bool _isArmed;

    /// <summary>From now on a notice tells of the next change.</summary>
    public void Arm()
    {
        _looksUntilRest = _isArmed && _sweepsPerLook == SweepsPerLookAtRest ? _looksUntilRest : LooksUntilRest;
        _sweepsPerLook = SweepsPerLookAtRest;
        _isArmed = true;
    }

    /// <summary>The database is closed, and a notice tells when somebody opens it.</summary>
    public void ArmClosed()
    {
        if (!_isArmed || _sweepsPerLook != SweepsPerLookWhenClosed)
        {
            (_looksUntilRest, _sweepsPerLook) = (0, SweepsPerLookWhenClosed);
            _sweepsToPass = random.Next(SweepsPerLookWhenClosed);
        }

        _isArmed = true;
    }

    /// <summary>A notice has come, or none will.</summary>
    public void Disarm() => _isArmed = false;

    /// <summary>Whether this sweep passes the database by.</summary>
    public bool TryPass()
    {
        if (!_isArmed || _looksUntilRest > 0 || _sweepsToPass == 0)
        {
            return false;
        }

        _sweepsToPass--;
        return true;
    }

    /// <summary>Whether this look asks whether another file took the place of the database, which costs a system call.</summary>
    public bool ChecksForMove() => _looksUntilRest == 0 || _looks++ % LooksPerMoveCheck == 0;

    /// <summary>The sweep has looked, and found nothing.</summary>
    public void NoteNothing()
    {
        if (!_isArmed)
        {
            return;
        }

        if (_looksUntilRest == 0)
        {
            _sweepsToPass = _sweepsPerLook - 1;
        }
        else if (--_looksUntilRest == 0)
        {
            _sweepsToPass = random.Next(_sweepsPerLook);
        }
    }
}
