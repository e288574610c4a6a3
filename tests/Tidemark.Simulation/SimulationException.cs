namespace Tidemark.Simulation;

/// <summary>Something that must always hold did not.</summary>
internal sealed class SimulationException(string message) : Exception(message);
