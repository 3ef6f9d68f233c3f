using Akka.TestKit.Xunit2;

namespace Berth.Tests.Manager;

/// <summary>A test with an actor system of its own, which says nothing unless something is wrong, and waits long for what
/// must come: on a busy machine a message may take seconds, and waiting costs a test that passes nothing.</summary>
public abstract class ActorTest() : TestKit(Config)
{
    private const string Config = """
        akka {
          loglevel = WARNING
          stdout-loglevel = WARNING
          test { single-expect-default = 20s, default-timeout = 20s }
        }
        """;
}
