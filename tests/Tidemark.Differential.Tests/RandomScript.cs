using System.Globalization;

namespace Tidemark.Differential.Tests;

/// <summary>Writes a script from a seed.</summary>
internal sealed class RandomScript
{
    private const int ActionsMin = 6;
    private const int ActionsMax = 16;
    private static readonly string[] s_modes = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];
    private static readonly string[] s_others = ["twin", "twin", "large", "small", "sized", "rollback"];
    private static readonly string[] s_checkpoints = ["100ms", "300ms", "1s"];
    private static readonly string[] s_syncs = ["5ms", "50ms", "300ms"];
    private static readonly int[] s_checkpointPages = [4, 40, 1000];

    private readonly Random _random;
    private readonly List<ScriptAction> _actions = [];
    private readonly OtherName _otherName;
    private bool _isRunning;
    private bool _isCompanionRunning = true;
    private bool _hasSaved;
    private bool _needsToBeAlone;
    private int _label;

    private RandomScript(int seed)
    {
        _random = new Random(seed);
        _otherName = _random.Next(40) switch
        {
            0 => OtherName.BindMount,
            1 => OtherName.HardLink,
            _ => OtherName.None,
        };
    }

    public static Script Write(int seed) => new RandomScript(seed).Write(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));

    private Script Write(string name)
    {
        var pageSize = PreparedDatabases.PageSizes[_random.Next(PreparedDatabases.PageSizes.Count)];
        var rhythm = new Rhythm(Pick(s_checkpoints), s_checkpointPages[_random.Next(s_checkpointPages.Length)], Pick(s_syncs));
        for (var rest = _random.Next(ActionsMin, ActionsMax); rest > 0; rest--)
        {
            Pause();
            if (_random.Next(12) == 0)
            {
                ActOnCompanion();
            }
            else if (_isRunning)
            {
                ActOnApplication();
            }
            else
            {
                ActOnFiles();
            }
        }

        if (_isRunning && _random.Next(5) > 0)
        {
            Pause();
            Stop();
        }

        Pause();
        return new Script(name, _actions)
        {
            PageSize = pageSize,
            OtherName = _otherName,
            Rhythm = rhythm,
            NeedsToBeAlone = _needsToBeAlone,
        };
    }

    private void Pause()
    {
        var seconds = _random.Next(20) switch
        {
            < 11 => 0,
            < 16 => 0.1,
            < 19 => 0.5,
            _ => 2,
        };
        if (seconds > 0)
        {
            _actions.Add(ScriptAction.Pause(seconds));
        }
    }

    private void ActOnCompanion()
    {
        if (!_isCompanionRunning)
        {
            _actions.Add(ScriptAction.StartCompanion);
            _isCompanionRunning = true;
            return;
        }

        _actions.Add(_random.Next(2) == 0 ? ScriptAction.StopCompanion : ScriptAction.KillCompanion);
        _isCompanionRunning = false;
        if (_random.Next(3) > 0)
        {
            Pause();
            ActOnCompanion();
        }
    }

    private void ActOnApplication()
    {
        switch (_random.Next(100))
        {
            case < 26:
                Insert(_random.Next(1, 6));
                break;
            case < 34:
                Insert(_random.Next(100, 600));
                break;
            case < 42:
                Sql($"UPDATE t SET data = '{Label()} ' || substr(data, 1, {_random.Next(20, 300)}) WHERE id % {_random.Next(2, 9)} = 1");
                break;
            case < 46:
                Sql($"DELETE FROM t WHERE id % {_random.Next(2, 9)} = 1");
                break;
            case < 49:
                Sql($"BEGIN; {PreparedDatabases.Insert(Label(), 200, 200)}; ROLLBACK");
                break;
            case < 58:
                Sql($"PRAGMA wal_checkpoint({Pick(s_modes)})");
                break;
            case < 62:
                Sql("VACUUM");
                break;
            case < 65:
                _needsToBeAlone = true;
                Sql("PRAGMA journal_mode=delete");
                Insert(3);
                if (_random.Next(2) == 0)
                {
                    Pause();
                    Sql("PRAGMA journal_mode=wal");
                }

                break;
            case < 67:
                _needsToBeAlone = true;
                Sql($"PRAGMA journal_mode=delete; PRAGMA page_size={(_random.Next(2) == 0 ? 8192 : 512)}; VACUUM; PRAGMA journal_mode=wal");
                break;
            case < 69:
                Sql($"DROP TABLE t; {PreparedDatabases.Table}");
                break;
            case < 72:
                _actions.Add(ScriptAction.Tell("backup $P/rollback.db"));
                break;
            case < 74 when _otherName == OtherName.None:
                // What nobody should do. The source is lost anyway, and Tidemark may not call it captured.
                Shell(FileTouch.Part, $"cp $P/{Pick(s_others)}.db app.db");
                break;
            case < 82:
                _actions.Add(ScriptAction.Crash);
                _isRunning = false;
                break;
            default:
                Stop();
                break;
        }
    }

    private void ActOnFiles()
    {
        if (_otherName != OtherName.None || _random.Next(100) < 40)
        {
            _actions.Add(ScriptAction.Start);
            _isRunning = true;
            Insert(_random.Next(1, 30));
            return;
        }

        if (_random.Next(2) == 0)
        {
            _actions.Add(ScriptAction.Settle);
            Pause();
        }

        var other = $"$P/{Pick(s_others)}.db";
        switch (_random.Next(16))
        {
            case < 3:
                Shell(FileTouch.Part, $"cp {other} app.db");
                break;
            case < 5:
                Shell(FileTouch.Part, $"cp {other} new.db; mv new.db app.db");
                break;
            case 5:
                Shell(FileTouch.Index, "rm -f app.db-shm");
                break;
            case 6:
                Shell(FileTouch.Part, "rm -f app.db-wal");
                break;
            case 7:
                Shell(FileTouch.Part, "rm -f app.db-wal app.db-shm");
                break;
            case 8:
                Shell(FileTouch.Whole, $"rm -f app.db-wal app.db-shm app.db-journal; cp {other} app.db");
                break;
            case 9:
                Shell(FileTouch.Whole, $"cp {other} app.db; rm -f app.db-wal app.db-shm app.db-journal");
                break;
            case 10:
                Shell(FileTouch.Whole, $"rm -f app.db*; cp {other} app.db");
                break;
            case 11:
                Shell(FileTouch.Whole, "rm -f app.db*");
                break;
            case 12:
                Shell(FileTouch.Whole, "rm -f app.db-wal app.db-shm app.db-journal; for i in $(seq 15); do $TIDEMARK restore -force -o app.db file://$P/replica && break; sleep 0.2; done");
                break;
            case < 15 when _hasSaved:
                var remove = _random.Next(2) == 0 ? "rm -f app.db*; " : "";
                Shell(FileTouch.Whole, $"{remove}cp saved/* .");
                break;
            default:
                Shell(FileTouch.Whole, "rm -rf saved; mkdir saved; cp app.db* saved/");
                _hasSaved = true;
                break;
        }
    }

    private void Insert(int rows) => _actions.Add(ScriptAction.Insert(Label(), rows, _random.Next(20, 400)));

    private void Sql(string statements) => _actions.Add(ScriptAction.Sql(statements));

    private void Shell(FileTouch touch, string line) => _actions.Add(ScriptAction.Shell(touch, line));

    private void Stop()
    {
        _actions.Add(ScriptAction.Stop);
        _isRunning = false;
    }

    private string Label() => string.Create(CultureInfo.InvariantCulture, $"w{++_label}");

    private string Pick(string[] values) => values[_random.Next(values.Length)];
}
