using Berth.Stacks;

namespace Berth.Tests.Shared.Stacks;

/// <summary>Wrong files, each with the line and the words of its error.</summary>
public sealed class BadFileTests
{
    // Lines of the service `web`; its first is line 4 of the file.
    public static TheoryData<string, int, string, string> Services => new()
    {
        { "replicas: 3", 4, "services.web.replicas: 'replicas' belongs under deploy", "write deploy:" },
        { "imge: x", 4, "services.web.imge: there is no key 'imge' here", "did you mean image?" },
        { "comand: x", 4, "there is no key 'comand'", "did you mean command?" },
        { "deploy:\n  replcas: 2", 5, "services.web.deploy.replcas: there is no key", "did you mean replicas?" },
        { "deploy:\n  update_config:\n    paralelism: 2", 6, "there is no key 'paralelism'", "did you mean parallelism?" },
        { "deploy:\n  replicas: three", 5, "services.web.deploy.replicas: 'three' is not a whole number", "write a number" },
        { "deploy:\n  replicas: -1", 5, "-1 is not between 0 and", "range" },
        { "deploy:\n  replicas: 1.5", 5, "1.5 is not a whole number", "write a number" },
        { "deploy:\n  replicas: 99999999999", 5, "99999999999 is not between", "range" },
        { "deploy:\n  replicas:", 5, "empty is not a whole number", "write a number" },
        { "deploy:\n  mode: globl", 5, "'globl' is not one of replicated, global", "did you mean global?" },
        { "deploy:\n  mode: replicated-job", 5, "jobs are not supported yet", "replicated or global" },
        { "deploy:\n  mode: global\n  replicas: 2", 6, "a global service has one task on every node", "remove it" },
        { "deploy:\n  endpoint_mode: dnssr", 5, "'dnssr' is not one of vip, dnsrr", "did you mean dnsrr" },
        { "deploy: [a]", 4, "services.web.deploy: a list is not a mapping", "keys and values" },
        { "deploy:\n  placement: [a]", 5, "a list is not a mapping", "keys and values" },
        { "deploy:\n  placement:\n    constraints: node.role == manager", 6, "'node.role == manager' is not a list", "after a dash" },
        { "deploy:\n  placement:\n    constraints:\n    - node.role == worker\n    - node.rolle == x", 8, "services.web.deploy.placement.constraints[1]: 'node.rolle' is not something a constraint can ask", "known are node.id" },
        { "deploy:\n  placement:\n    constraints: [node.role = manager]", 6, "is not a constraint", "KEY==VALUE" },
        { "deploy:\n  placement:\n    preferences:\n    - pack: node.id", 7, "there is no key 'pack'", "known here are spread" },
        { "deploy:\n  placement:\n    preferences: [{spread: zone}]", 6, "'zone' is not something to spread over", "node.labels.NAME" },
        { "deploy:\n  placement:\n    max_replicas_per_node: -1", 6, "-1 is not between", "range" },
        { "deploy:\n  resources:\n    limits: {memory: lots}", 6, "'lots' is not an amount of memory", "512M" },
        { "deploy:\n  resources:\n    limits: {memory: 1M}", 6, "1048576 bytes are too few", "4M" },
        { "deploy:\n  resources:\n    limits: {cpus: 'a lot'}", 6, "is not an amount of processor time", "0.5" },
        { "deploy:\n  resources:\n    limits: {cpus: '0.0001'}", 6, "0.0001 CPUs are too few", "0.001" },
        { "deploy:\n  resources:\n    limits: {pids: many}", 6, "'many' is not a whole number", "write a number" },
        { "deploy:\n  resources:\n    limits: {memory: 16M}\n    reservations: {memory: 32M}", 7, "reserves 33554432 bytes and may use only 16777216", "raise the limit" },
        { "deploy:\n  resources:\n    reservations:\n      devices: []", 7, "devices: not supported yet", "placement.constraints" },
        { "deploy:\n  update_config: {delay: 10 parsecs}", 5, "'10 parsecs' is not a duration", "1m30s" },
        { "deploy:\n  update_config: {delay: 10}", 5, "10 has no unit", "write 10s" },
        { "deploy:\n  update_config: {delay: -10s}", 5, "less than zero", "0s" },
        { "deploy:\n  update_config: {parallelism: -2}", 5, "-2 is not between", "range" },
        { "deploy:\n  update_config: {max_failure_ratio: 2}", 5, "2 is not a number between 0 and 1", "0.25" },
        { "deploy:\n  update_config: {order: start_first}", 5, "is not one of stop-first, start-first", "did you mean start-first?" },
        { "deploy:\n  rollback_config: {failure_action: rollback}", 5, "is not one of pause, continue", "write pause" },
        { "deploy:\n  restart_policy: {condition: maybe}", 5, "is not one of any, on-failure, none", "write any" },
        { "deploy:\n  restart_policy: {max_attempts: -1}", 5, "-1 is not between", "range" },
        { "ports: ['8000-8001:80']", 4, "services.web.ports[0]: '8000-8001:80' has 2 published ports for 1 of the container", "same length" },
        { "ports: ['53:53/sctp']", 4, "(sctp) cannot be published on every node yet", "mode: host" },
        { "ports: ['']", 4, "an empty text is not a port", "8080:80" },
        { "ports: ['-1:80']", 4, "'-1:80' is not a port", "8080:80" },
        { "ports: ['80:80/foo']", 4, "is not a port", "8080:80" },
        { "ports: ['99999:80']", 4, "is not a port", "8080:80" },
        { "ports: [80.5]", 4, "80.5 is not a port", "8080:80" },
        { "ports: ['80:80']\ndeploy: {endpoint_mode: dnsrr}", 4, "publishes no ports on every node", "endpoint_mode: vip" },
        { "ports:\n- target: 80\n  protocol: sctp", 5, "(sctp) cannot be published on every node yet", "mode: host" },
        { "ports:\n- target: 80\n  mode: sideways", 6, "'sideways' is not one of host, ingress", "write host" },
        { "ports:\n- {published: 80, mode: host}", 5, "it has no target", "target:" },
        { "ports:\n- {target: 70000, mode: host}", 5, "70000 is not between 1 and 65535", "range" },
        { "ports:\n- {target: 80, published: 80, mode: host}\n- {target: 81, published: 80, mode: host}", 6, "services.web.ports[1].published: port 80 (Tcp) is published twice", "correct it" },
        { "network_mode: host\nports:\n- {target: 80, published: 80, mode: host}", 6, "a container in the host's network listens on the host's ports itself", "leave out ports" },
        { "network_mode: service:db", 4, "sharing another container's network", "host, bridge or none" },
        { "network_mode: hosts", 4, "'hosts' is not one of", "did you mean host?" },
        { "networks: [front]", 4, "there is no network 'front' at the top level", "front: below it" },
        { "secrets: [s]", 4, "secrets: not supported yet", "volumes:" },
        { "env_file: .env", 4, "env_file: not supported yet", "environment" },
        { "depends_on: [db]", 4, "Docker Swarm ignores it silently", "remove it" },
        { "tmpfs: /run", 4, "Docker Swarm ignores it silently", "type: tmpfs" },
        { "restart: always", 4, "restarted by deploy.restart_policy", "condition: any" },
        { "build: .", 4, "Berth runs images and builds none", "push the image" },
        { "mem_limit: 64M", 4, "Docker Swarm refuses it too", "deploy.resources.limits.memory" },
        { "privileged: true", 4, "privileged: not supported", "remove it" },
        { "gpus: all", 4, "gpus: not supported yet", "remove it" },
        { "environment: {A: true}", 4, "services.web.environment.A: true is neither text nor number", "\"true\"" },
        { "environment: {A: {B: c}}", 4, "a mapping is neither text nor number", "one value" },
        { "environment: [[a]]", 4, "services.web.environment[0]: a list is not a text", "one value" },
        { "environment: A=1", 4, "is neither a mapping nor a list", "KEY=value" },
        { "environment: ['=x']", 4, "the name is empty", "name" },
        { "environment: {1: x}", 4, "YAML does not read this name as text", "in quotes" },
        { "environment: {NODE: '{{.Node.Hostname}}'}", 4, "placeholders such as {{.Node.Hostname}}", "the value itself" },
        { "labels: {a: true}", 4, "true is neither text nor number", "\"true\"" },
        { "command: {a: b}", 4, "a mapping is not a text", "one value" },
        { "command: [sleep, 10]", 4, "services.web.command[1]: 10 is not a text", "\"10\"" },
        { "command: sh -c 'abc", 4, "the quote ' is never closed", "close the quote" },
        { "command: a\\", 4, "the backslash at its end", "list" },
        { "user: 1000", 4, "1000 is not a text", "\"1000\"" },
        { "working_dir: app", 4, "'app' is not absolute", "begin it with '/'" },
        { "hostname: a_b!", 4, "is not a host name", "letters" },
        { "stop_signal: SIGTRM", 4, "'SIGTRM' is not a signal", "such as SIGINT" },
        { "stop_grace_period: 1 minute", 4, "is not a duration", "1m30s" },
        { "init: maybe", 4, "neither true nor false", "true or false" },
        { "cap_add: [NET_ADMN]", 4, "'NET_ADMN' is not a capability", "such as NET_ADMIN" },
        { "healthcheck: {test: {a: b}}", 4, "a mapping is not a text", "one value" },
        { "healthcheck: {test: [FOO, x]}", 4, "a test begins with CMD, CMD-SHELL or NONE, not with 'FOO'", "correct it" },
        { "healthcheck: {test: [CMD]}", 4, "CMD needs a program", "correct it" },
        { "healthcheck: {test: x, disable: true}", 4, "a test is given as well", "keep one" },
        { "healthcheck: {test: x, interval: 10}", 4, "10 has no unit", "write 10s" },
        { "healthcheck: {test: x, retries: -1}", 4, "-1 is not between", "range" },
        { "healthcheck: {test: x, start_interval: 1s}", 4, "start_interval: not supported yet", "interval" },
        { "volumes: ['']", 4, "it is empty", "value" },
        { "volumes: ['data:/d']", 4, "there is no volume 'data' at the top level", "volumes:" },
        { "volumes: ['/a:b']", 4, "'b' in the container is not absolute", "begin it with '/'" },
        { "volumes: ['/a:/b:zz']", 4, "there is no option 'zz'", "ro or rw" },
        { "volumes: ['/a:/b:z']", 4, "the option 'z': Docker Swarm ignores it silently", "remove it" },
        { "volumes: ['/a:/b:ro:x']", 4, "is not a volume", "[SOURCE:]TARGET[:OPTIONS]" },
        { "volumes: [{type: magic, target: /b}]", 4, "'magic' is not one of volume, bind, tmpfs", "write volume" },
        { "volumes: [{type: npipe, target: /b}]", 4, "type npipe are not supported", "volume, bind or tmpfs" },
        { "volumes: [{type: bind, target: /b}]", 4, "a bind has no source", "source:" },
        { "volumes: [{type: tmpfs, source: x, target: /b}]", 4, "a tmpfs has no source", "correct it" },
        { "volumes: [{type: tmpfs, target: /t, tmpfs: {size: big}}]", 4, "'big' is not an amount of memory", "512M" },
        { "volumes: [{type: volume, target: /t, bind: {propagation: rslave}}]", 4, "'bind' does not apply", "remove it" },
        { "volumes: [{target: /t}]", 4, "it has no type", "type: volume" },
        { "volumes: ['/a:/x', '/b:/x/']", 4, "'/x' is mounted twice", "target of its own" },
        { "user: ${UID_", 4, "'${UID_' is not a variable", "$$" },
        { "user: $", 4, "'$' is not a variable", "$$" },
        { "user: ${}", 4, "'${}' is not a variable", "$$" },
        { "user: ${A:+b}", 4, "'${A:+b}' is not a variable", "${NAME:-default}" },
        { "user: ${A:?say who}", 4, "the variable A is not set: say who", "set it" },
        { "user: x\nuser: y", 5, "the key 'user' is already written at line 4", "keep one" },
        { "user: *nobody", 4, "there is no anchor 'nobody' above this line", "&nobody" },
        { "<<: 5", 4, "<< takes a mapping or a list of mappings", "*ANCHOR" },
        { "labels: !!a[b {}", 4, "this is not valid YAML here or just below", "repair the syntax" },
        { "labels: !reset {}", 4, "the tag '!reset' is not supported", "remove it" },
        { "command: |\n  one\n  two ${\n  three", 6, "'${' is not a variable", "$$" },
    };

    // Whole files.
    public static TheoryData<string, int, string, string> Files => new()
    {
        { "", 1, "the file is empty", "services:" },
        { "# nothing\n", 1, "the file is empty", "services:" },
        { "- a\n- b\n", 1, "a stack file is a mapping, and this is a list", "services:" },
        { "web:\n  image: x\n", 1, "there is no key 'web' here", "known here are networks, services" },
        { "services: {}\n", 1, "it names no service", "add one" },
        { "services:\n", 1, "empty is not a mapping", "keys and values" },
        { "services: [a]\n", 1, "a list is not a mapping", "keys and values" },
        { "services:\n  web:\n", 2, "services.web: empty is not a mapping", "keys and values" },
        { "services:\n  web:\n    command: a\n", 2, "services.web.image: an image is missing", "image:" },
        { "services:\n  web:\n    image: ''\n", 3, "it is empty", "value" },
        { "services:\n  web:\n    image: Web:1\n", 3, "'Web:1' is not an image reference: repository names are lower case", "correct it" },
        { "services:\n  '':\n    image: x\n", 2, "a name is missing", "correct it" },
        { "services:\n  1:\n    image: x\n", 2, "YAML does not read this name as text", "in quotes" },
        { "services:\n  a/b:\n    image: x\n", 2, "'a/b' is not a name", "begin and end with a letter" },
        { "services:\n  wéb:\n    image: x\n", 2, "'wéb' is not a name", "begin and end with a letter" },
        { "services:\n  " + new string('a', 60) + ":\n    image: x\n", 2, "has 65 characters", "at most 63" },
        { "version: 3.8\nservices: {web: {image: x}}\n", 1, "version: 3.8 is not a text", "in quotes" },
        { "version: '2.4'\nservices: {web: {image: x}}\n", 1, "'2.4' is not a version of stack files", "\"3.8\"" },
        { "services: {web: {image: x}}\ninclude: [a]\n", 2, "include: not supported yet", "--compose-file" },
        { "services: {web: {image: x}}\nname: shop\n", 2, "the stack's name is given on the command line", "remove it" },
        { "services: {web: {image: x}}\nnetworks: {n: {enable_ipv6: true}}\n", 2, "IPv4 only yet", "remove it" },
        { "services: {web: {image: x}}\nservces: {}\n", 2, "there is no key 'servces'", "did you mean services?" },
        { "services: {web: {image: x}}\nservices: {}\n", 2, "the key 'services' is already written at line 1", "keep one" },
        { "services: {web: {image: x}}\nvolumes: {a!b: {}}\n", 2, "is no name for a volume", "letters" },
        { "services: {web: {image: x}}\nvolumes: {v: {external: true, driver: nfs}}\n", 2, "an external volume is not created by the stack", "remove" },
        { "services: {web: {image: x}}\nvolumes: {v: {drivr: nfs}}\n", 2, "there is no key 'drivr'", "did you mean driver?" },
        { "services: {web: {image: x}}\n---\nservices: {}\n", 2, "a second YAML document begins here", "file of its own" },
        { "services: &s\n  web: {image: x, labels: *s}\n", 2, "the anchor 's' contains itself", "remove the alias" },
        { "services:\n  web:\n    image: x\n   command: y\n", 4, "not valid YAML", "syntax" },
        { "services:\n  web:\n    command: \"abc\n", 3, "not valid YAML", "syntax" },
        { "services:\n\tweb: {image: x}\n", 2, "not valid YAML", "syntax" },
        { "services:\n  web: {image: x}\nx-a: a\0b\n", 3, "U+0000 is a control character", "remove it" },
        { "x-b: &b {user: y}\nservices:\n  web:\n    image: x\n    <<: *b\n    <<: *b\n", 6, "the key '<<' is already written at line 5", "[*a, *b]" },
    };

    [Theory]
    [MemberData(nameof(Services))]
    public void A_wrong_service_is_refused_at_its_line(string lines, int line, string message, string next) =>
        Refused(Loaded.From("services:\n  web:\n    image: web:1\n" + Loaded.Indented(lines)), line, message, next);

    [Theory]
    [MemberData(nameof(Files))]
    public void A_wrong_file_is_refused_at_its_line(string text, int line, string message, string next) =>
        Refused(Loaded.From(text), line, message, next);

    [Fact]
    public void All_problems_are_told_at_once_in_the_order_of_the_file()
    {
        var result = Loaded.From("services:\n  web:\n    imge: x\n    ports: ['80:']\n    deploy:\n      replicas: no\n");

        Assert.Null(result.Spec);
        Assert.Equal([2, 3, 4, 6], result.Problems.Select(problem => problem.Line));
    }

    [Fact]
    public void A_problem_reads_like_a_compilers()
    {
        var problem = Assert.Single(Loaded.From("services:\n  web:\n    image: web:1\n    deploy:\n      replicas: three\n").Problems);

        Assert.Equal(
            "web.yml:5:17: services.web.deploy.replicas: 'three' is not a whole number; next: write a number from 0", problem.ToString());
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused_at_their_place()
    {
        byte[] latin1 = [.. "services:\n  web: {image: x, hostname: caf"u8, 0xE9, .. "}\n"u8];
        var problem = Assert.Single(StackFile.Load([new StackDocument("web.yml", "/", latin1)], "shop", Loaded.NoVariables).Problems);

        Assert.Equal((2, 32), (problem.Line, problem.Column));
        Assert.Contains("0xE9", problem.Message);
    }

    [Fact]
    public void A_few_lines_that_stand_for_billions_of_values_are_refused_at_once()
    {
        var bomb = "x-a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
            + string.Concat("bcdefghi".Select(c => $"x-{c}: &{c} [{string.Join(',', Enumerable.Repeat($"*{(char)(c - 1)}", 9))}]\n"))
            + "services: {web: {image: x, command: *i}}\n";
        var problem = Assert.Single(Loaded.From(bomb).Problems);

        Assert.Contains("more than 1,000,000 values", problem.Message);
    }

    [Fact]
    public void Nesting_and_size_are_limited()
    {
        Assert.Contains("deeper than 100 levels", Assert.Single(Loaded.From("x-a: " + new string('[', 20_000) + new string(']', 20_000)).Problems).Message);
        Assert.Contains("more than the 10,485,760", Assert.Single(Loaded.From(new string('#', 11_000_000)).Problems).Message);
    }

    [Fact]
    public void A_flood_of_problems_is_cut_and_says_so()
    {
        var text = "services:\n  web:\n    image: x\n" + string.Concat(Enumerable.Range(0, 300).Select(n => $"    key{n}: 1\n"));
        var problems = Loaded.From(text).Problems;

        Assert.Equal(101, problems.Count);
        Assert.Contains("200 more problems", problems[^1].Message);
    }

    private static void Refused(StackFileResult result, int line, string message, string next)
    {
        Assert.Null(result.Spec);
        Assert.Contains(result.Problems, problem => problem.File == "web.yml" && problem.Line == line && problem.Column >= 1
            && $"{problem.Path}: {problem.Message}".Contains(message, StringComparison.Ordinal) && problem.Next.Contains(next, StringComparison.Ordinal));
    }
}
