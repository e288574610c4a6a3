using System.Collections.Frozen;

namespace Tidemark.Cli.Configuration;

/// <summary>Keys of the original's files that are right, but of which Tidemark makes no use yet. Naming them tells a typing error from a
/// missing feature.</summary>
internal static class LaterKeys
{
    /// <summary>Of a replica; they may also stand at the top as defaults.</summary>
    public static FrozenSet<string> OfReplica { get; } = FrozenSet.Create(
        "validation-interval", "max-sync-ltx-files", "auto-recover",
        "access-key-id", "secret-access-key", "region", "bucket", "endpoint", "force-path-style", "sign-payload", "require-content-md5",
            "skip-verify",
        "storage-class", "part-size", "concurrency", "sse-customer-algorithm", "sse-customer-key", "sse-customer-key-path",
            "sse-kms-key-id",
        "account-name", "account-key", "sas-token", "host", "user", "password", "key-path", "concurrent-writes", "host-key",
        "webdav-url", "webdav-username", "webdav-password", "jwt", "seed", "creds", "nkey", "username", "token", "tls", "root-cas",
        "client-cert", "client-key", "max-reconnects", "reconnect-wait", "timeout");

    /// <summary>Of the whole file.</summary>
    public static FrozenSet<string> OfFile { get; } =
    [
        .. OfReplica, "addr", "mcp-addr", "socket", "validation", "verify-compaction", "heartbeat-url", "heartbeat-interval",
    ];

    /// <summary>Of a database.</summary>
    public static FrozenSet<string> OfDatabase { get; } = FrozenSet.Create("truncate-page-n");

    /// <summary>Of a section in which every key is used.</summary>
    public static FrozenSet<string> None { get; } = [];

    /// <summary>Of the section <c>logging</c>.</summary>
    public static FrozenSet<string> OfLogging { get; } = FrozenSet.Create("source");
}
