using Tidemark.Replicas.Stores;
using Tidemark.Testing.Stores;

namespace Tidemark.Replicas.Tests.Stores;

public sealed class MemoryStoreTests : ReplicaStoreContract
{
    protected override IReplicaStore CreateStore() => new MemoryStore();
}
