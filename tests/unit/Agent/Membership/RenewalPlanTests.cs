using Berth.Agent.Membership;
using Berth.Identity;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Agent.Membership;

public sealed class RenewalPlanTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_certificate_is_renewed_about_half_way() =>
        Assert.Equal(Noon + TimeSpan.FromDays(45), RenewalPlan.NextAttempt(For(TimeSpan.FromDays(90)), 0.5, 0, default, null));

    [Fact]
    public void A_manager_can_want_it_sooner_and_not_later()
    {
        var subject = For(TimeSpan.FromDays(90));
        Assert.Equal(Noon.AddHours(1), RenewalPlan.NextAttempt(subject, 0.5, 0, default, Noon.AddHours(1)));
        Assert.Equal(Noon.AddDays(45), RenewalPlan.NextAttempt(subject, 0.5, 0, default, Noon.AddDays(80)));
    }

    [Fact]
    public void Long_before_it_expires_it_is_tried_many_times_and_afterwards_quietly()
    {
        Gen.Select(Gen.Double[0, 1], Gen.Int[2, 200_000]).Sample((chance, minutes) =>
        {
            var subject = For(TimeSpan.FromMinutes(minutes));
            var at = RenewalPlan.NextAttempt(subject, chance, 0, default, null);
            Assert.InRange(at, Noon + TimeSpan.FromMinutes(minutes * 0.44), Noon + TimeSpan.FromMinutes(minutes * 0.56));
            var tried = 0;
            for (var failures = 1; at < subject.NotAfter && failures < 100_000; failures++, tried++)
            {
                var next = RenewalPlan.NextAttempt(subject, chance, failures, at, null);
                Assert.True(next > at);
                at = next;
            }
            Assert.True(tried >= 7, $"{tried} attempts in {minutes} minutes");
            var pause = RenewalPlan.NextAttempt(subject, chance, 99, subject.NotAfter.AddDays(1), null) - subject.NotAfter.AddDays(1);
            Assert.InRange(pause, TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(19));
        }, iter: 200);
    }

    private static NodeCertificate For(TimeSpan life) => new(new ClusterId(1), CertificateRole.Worker, new NodeId(2).ToString(), Noon, Noon + life, "01");
}
