using System.Text;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Stacks;

namespace Berth.Tests.Shared.Stacks;

public sealed class GoodFileTests
{
    [Fact]
    public void Names_and_labels_carry_the_stack()
    {
        var spec = Loaded.Spec("services: {web: {image: 'web:1', labels: {a: b}, deploy: {labels: [tier=front, bare]}}}");
        var service = Assert.Single(spec.Services);

        Assert.Equal("shop", spec.Name);
        Assert.Equal("shop_web", service.Name);
        Assert.Equal("shop", service.Labels[StackLabels.Namespace]);
        Assert.Equal("web:1", service.Labels[StackLabels.Image]);
        Assert.Equal("front", service.Labels["tier"]);
        Assert.Equal("", service.Labels["bare"]);
        Assert.Equal("b", service.Task.Container.Labels["a"]);
        Assert.Equal("shop", service.Task.Container.Labels[StackLabels.Namespace]);
    }

    [Fact]
    public void A_silent_file_has_the_defaults_of_the_model()
    {
        var service = Loaded.Service("");

        Assert.Equal(new ServiceMode.Replicated(1), service.Mode);
        Assert.Equal(new UpdateConfig(), service.Update);
        Assert.Equal(UpdateOrder.Auto, service.Update.Order);
        Assert.Equal(new RestartPolicy(), service.Task.Restart);
        Assert.Null(service.Task.Container.StopGracePeriod);
    }

    [Fact]
    public void Swarm_compatible_writes_swarms_order_where_the_file_is_silent()
    {
        const string text = "services: {a: {image: x}, b: {image: x, deploy: {update_config: {order: start-first}}}}";
        var services = StackFile.Load(text, "shop", Loaded.NoVariables, new StackFileOptions(SwarmCompatible: true)).Spec!.Services;

        Assert.Equal((UpdateOrder.StopFirst, UpdateOrder.StopFirst), (services[0].Update.Order, services[0].Rollback.Order));
        Assert.Equal(UpdateOrder.StartFirst, services[1].Update.Order);
    }

    [Fact]
    public void Networks_are_made_for_those_who_are_in_them()
    {
        var spec = Loaded.Spec("""
            services:
              web: {image: x, networks: [front]}
            networks: {front: {internal: true, driver: overlay, driver_opts: {com.docker.network.driver.mtu: "1400"}, ipam: {config: [{subnet: 10.130.0.0/20}]}, labels: {a: b}}, unused: {}}
            """);
        var network = Assert.Single(spec.Networks);
        Assert.Equal(("shop_front", true, System.Net.IPNetwork.Parse("10.130.0.0/20")), (network.Name, network.IsInternal, network.Subnet));
        Assert.Equal(("1400", "b", "shop"), (network.DriverOptions[NetworkSpec.MtuOption], network.Labels["a"], network.Labels[StackLabels.Namespace]));
        Assert.Equal("shop_front", Assert.Single(spec.Services[0].Task.Networks).Target);
    }

    [Fact]
    public void A_service_names_its_networks_as_a_list_or_with_what_it_wants_there()
    {
        var web = Loaded.Spec("""
            services:
              web: {image: x, networks: {back: {aliases: [db], ipv4_address: 10.130.0.9}, shared: }, deploy: {endpoint_mode: dnsrr}}
              host: {image: x, networks: [own]}
              silent: {image: x}
              def: {image: x, networks: [default]}
            networks: {back: {name: kept}, shared: {external: true, name: others}, own: {external: {name: host}}}
            """);
        Assert.Equal<ValueList<NetworkAttachment>>(
            [new NetworkAttachment { Target = "kept", Aliases = ["db"], Address = System.Net.IPAddress.Parse("10.130.0.9") }, new NetworkAttachment { Target = "others" }],
            web.Services[0].Task.Networks);
        Assert.Equal(EndpointMode.Dnsrr, web.Services[0].Endpoint.Mode);
        Assert.Equal((NetworkMode.Host, true), (web.Services[1].Task.Network, web.Services[1].Task.Networks.IsEmpty));
        Assert.True(web.Services[2].Task.Networks.IsEmpty);
        Assert.Equal(["kept", "shop_default"], web.Networks.Select(network => network.Name));

        var all = StackFile.Load("services: {a: {image: x}, b: {image: x, network_mode: host}}", "shop", Loaded.NoVariables, new StackFileOptions { HasDefaultNetwork = true }).Spec!;
        Assert.Equal("shop_default", Assert.Single(all.Services[0].Task.Networks).Target);
        Assert.True(all.Services[1].Task.Networks.IsEmpty);
    }

    [Fact]
    public void Ports_without_a_mode_are_every_nodes()
    {
        var service = Loaded.Service("ports: ['8080:80', '53/udp', '9000-9001:90-91', {target: 443, published: 8443}, {target: 70, published: 7070, mode: host}]");
        Assert.Equal<ValueList<PublishedPort>>(
            [
                new("", PortProtocol.Tcp, 80, 8080), new("", PortProtocol.Udp, 53, 0), new("", PortProtocol.Tcp, 90, 9000), new("", PortProtocol.Tcp, 91, 9001),
                new("", PortProtocol.Tcp, 443, 8443),
            ],
            service.Endpoint.Ports);
        Assert.Equal<ValueList<PortConfig>>([new PortConfig(70, 7070)], service.Task.Ports);
    }

    [Fact]
    public void Commands_are_split_like_a_shell_would()
    {
        var container = Loaded.Service("entrypoint: /bin/sh -c\ncommand: 'echo \"a b\" ''c d'' e\\ f'").Task.Container;
        Assert.Equal<ValueList<string>>(["/bin/sh", "-c"], container.Command);
        Assert.Equal<ValueList<string>>(["echo", "a b", "c d", "e f"], container.Args);
    }

    [Fact]
    public void Environment_is_sorted_and_bare_names_come_from_the_shell()
    {
        var map = Loaded.Service("environment:\n  B: two\n  A: 1\n  SET:\n  UNSET:\n  EMPTY: ''", ("SET", "s"), ("EMPTY", "not this"));
        var list = Loaded.Service("environment: [B=two, A=1, SET, UNSET, EMPTY=]", ("SET", "s"));

        Assert.Equal<ValueList<string>>(["A=1", "B=two", "EMPTY=", "SET=s", "UNSET"], map.Task.Container.Env);
        Assert.Equal(map.Task.Container.Env, list.Task.Container.Env);
    }

    [Theory]
    [InlineData("1.10", "1.1")]
    [InlineData("0x10", "16")]
    [InlineData("010", "8")]
    [InlineData("1_000", "1000")]
    [InlineData("1e3", "1000")]
    [InlineData("08", "8")]
    [InlineData("1000000.0", "1e+06")]
    [InlineData("-1234567.50", "-1.2345675e+06")]
    [InlineData("0.00010", "0.0001")]
    [InlineData("0.00001", "1e-05")]
    [InlineData("100000.50", "100000.5")]
    [InlineData("1.0", "1")]
    [InlineData(".5", "0.5")]
    public void Unquoted_numbers_become_text_as_in_docker_and_a_warning_says_so(string written, string arrives)
    {
        var result = Loaded.From($"services: {{web: {{image: x, environment: {{A: {written}}}}}}}");

        Assert.Equal($"A={arrives}", Assert.Single(result.Spec!.Services[0].Task.Container.Env));
        Assert.Contains($"'{arrives}' is what arrives", Assert.Single(result.Warnings).Message);
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("22:22")]
    [InlineData("2026-01-01")]
    [InlineData("1.2.3")]
    public void What_docker_reads_as_text_is_text(string written) =>
        Assert.Equal($"A={written}", Assert.Single(Loaded.Service($"environment: {{A: {written}}}").Task.Container.Env));

    [Theory]
    [InlineData("$V", "v")]
    [InlineData("${V}", "v")]
    [InlineData("a$V.b", "av.b")]
    [InlineData("${V:-d}", "v")]
    [InlineData("${EMPTY:-d}", "d")]
    [InlineData("${EMPTY-d}", "")]
    [InlineData("${UNSET:-a:b}", "a:b")]
    [InlineData("${UNSET-${V}}", "v")]
    [InlineData("${UNSET:-x${UNSET:-y}z}", "xyz")]
    [InlineData("$$V $${V}", "$V ${V}")]
    [InlineData("${V:?needed}", "v")]
    [InlineData("${EMPTY?needed}", "")]
    public void Variables_are_replaced(string written, string expected) =>
        Assert.Equal($"A={expected}", Assert.Single(
            Loaded.Service($"environment: ['A={written}']", ("V", "v"), ("EMPTY", "")).Task.Container.Env));

    [Fact]
    public void Variables_stand_for_numbers_and_booleans_too()
    {
        var service = Loaded.Service("init: ${I}\ndeploy: {replicas: \"${N:-3}\"}", ("I", "true"));
        Assert.True(service.Task.Container.Init);
        Assert.Equal(new ServiceMode.Replicated(3), service.Mode);
    }

    [Fact]
    public void An_unset_variable_is_warned_about()
    {
        var result = Loaded.From("services:\n  web:\n    image: web:1\n    user: a$UNSET\n");
        Assert.Equal("a", result.Spec!.Services[0].Task.Container.User);
        Assert.Equal(4, Assert.Single(result.Warnings).Line);
    }

    [Fact]
    public void Volumes_are_named_after_the_stack_and_paths_are_made_absolute()
    {
        const string text = """
            services:
              web:
                image: x
                volumes:
                  - /anon
                  - data:/data:ro
                  - out:/out:nocopy
                  - ./conf/../etc:/etc/app
                  - ~/home:/home2:rslave
                  - {type: tmpfs, target: /tmp, tmpfs: {size: 1M}}
            volumes:
              data: {driver: local, driver_opts: {type: nfs, n: 5}, labels: [a=b]}
              out: {external: true, name: real}
            """;
        var mounts = Assert.Single(Loaded.Spec(text, ("HOME", "/root")).Services).Task.Container.Mounts;

        Assert.Equal(new Mount { Type = MountType.Volume, Target = "/anon" }, mounts[0]);
        Assert.Equal(
            new Mount
            {
                Type = MountType.Volume,
                Source = "shop_data",
                Target = "/data",
                ReadOnly = true,
                Driver = "local",
                DriverOptions = ValueMap.Of("type", "nfs").With("n", "5"),
                VolumeLabels = ValueMap.Of("a", "b").With(StackLabels.Namespace, "shop"),
            },
            mounts[1]);
        Assert.Equal(new Mount { Type = MountType.Volume, Source = "real", Target = "/out", NoCopy = true }, mounts[2]);
        Assert.Equal(new Mount { Type = MountType.Bind, Source = "/stack/etc", Target = "/etc/app" }, mounts[3]);
        Assert.Equal(new Mount { Type = MountType.Bind, Source = "/root/home", Target = "/home2", Propagation = "rslave" }, mounts[4]);
        Assert.Equal(new Mount { Type = MountType.Tmpfs, Target = "/tmp", TmpfsBytes = 1 << 20 }, mounts[5]);
    }

    [Fact]
    public void Anchors_and_merge_keys_are_resolved_nearest_first()
    {
        const string text = """
            x-base: &base {image: base:1, user: a, environment: &env {A: "1", B: two}}
            x-more: &more {user: b, working_dir: /more}
            services:
              one: {<<: [*base, *more]}
              two: {<<: *base, user: c, environment: {<<: *env, B: three}}
            """;
        var services = Loaded.Spec(text).Services;

        Assert.Equal(("base:1", "a", "/more"), (services[0].Task.Container.Image, services[0].Task.Container.User, services[0].Task.Container.Dir));
        Assert.Equal("c", services[1].Task.Container.User);
        Assert.Equal<ValueList<string>>(["A=1", "B=three"], services[1].Task.Container.Env);
    }

    [Fact]
    public void Later_files_are_laid_over_earlier_ones()
    {
        var result = Loaded.Files(
            """
            services:
              web:
                image: web:1
                command: [a, b]
                environment: [A=1, B=2]
                labels: {x: "1"}
                read_only: true
                cap_add: [NET_ADMIN]
                ports: [{target: 80, published: 80, mode: host}]
                volumes: ["./one:/one", "/old:/two"]
                deploy: {replicas: 2, update_config: {parallelism: 2}}
            """,
            """
            services:
              web:
                command: [c]
                environment: {B: "3", C: "4"}
                labels: [y=2]
                read_only: false
                cap_add: [NET_RAW]
                ports: [{target: 81, published: 80, mode: host}, {target: 82, published: 82, mode: host}]
                volumes: ["./new:/two"]
                deploy: {update_config: {delay: 5s}}
              extra: {image: extra:1}
            """);
        Assert.Empty(result.Problems);
        var web = result.Spec!.Services[0];

        Assert.Equal<ValueList<string>>(["c"], web.Task.Container.Args);
        Assert.Equal<ValueList<string>>(["A=1", "B=3", "C=4"], web.Task.Container.Env);
        Assert.Equal("2", web.Task.Container.Labels["y"]);
        Assert.False(web.Task.Container.ReadOnly);
        Assert.Equal<ValueList<string>>(["NET_ADMIN", "NET_RAW"], web.Task.Container.CapAdd);
        Assert.Equal<ValueList<PortConfig>>([new PortConfig(81, 80), new PortConfig(82, 82)], web.Task.Ports);
        Assert.Equal(["/dir1/one", "/dir2/new"], web.Task.Container.Mounts.Select(mount => mount.Source));
        Assert.Equal(new ServiceMode.Replicated(2), web.Mode);
        Assert.Equal((2, TimeSpan.FromSeconds(5)), (web.Update.Parallelism, web.Update.Delay));
        Assert.Equal("shop_extra", result.Spec.Services[1].Name);
    }

    [Fact]
    public void A_problem_names_the_file_it_is_in()
    {
        var problem = Assert.Single(Loaded.Files("services: {web: {image: x}}", "services:\n  web:\n    usr: x\n").Problems);
        Assert.Equal(("2.yml", 3), (problem.File, problem.Line));
    }

    [Fact]
    public void Extensions_are_ignored_and_the_rest_is_read()
    {
        var service = Loaded.Service("x-anything: [1, {a: b}]\nhealthcheck: {disable: true}\nstop_grace_period: 1m30s\ncap_drop: [cap_net_raw]");
        Assert.Equal<ValueList<string>>(["NONE"], service.Task.Container.Healthcheck!.Test);
        Assert.Equal(TimeSpan.FromSeconds(90), service.Task.Container.StopGracePeriod);
        Assert.Equal<ValueList<string>>(["NET_RAW"], service.Task.Container.CapDrop);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Utf16_and_byte_order_marks_are_read(bool bigEndian)
    {
        const string text = "services: {web: {image: x, hostname: web}}\n";
        var utf16 = new UnicodeEncoding(bigEndian, byteOrderMark: true);
        byte[][] files = [[.. utf16.GetPreamble(), .. utf16.GetBytes(text)], [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)]];

        Assert.All(files, bytes => Assert.NotNull(StackFile.Load([new StackDocument("web.yml", "/", bytes)], "shop", Loaded.NoVariables).Spec));
    }

    [Fact]
    public void Thousands_of_services_and_megabytes_of_labels_are_read()
    {
        var many = "services:\n" + string.Concat(Enumerable.Range(0, 5_000).Select(n => $"  s{n}:\n    image: x\n"));
        var large = "services:\n" + string.Concat(Enumerable.Range(0, 5_200)
            .Select(n => $"  s{n}:\n    image: x\n    labels:\n      pad: '{new string('p', 900)}'\n"));

        Assert.Equal(5_000, Loaded.Spec(many).Services.Count);
        Assert.Equal(5_200, Loaded.Spec(large).Services.Count);
    }
}
