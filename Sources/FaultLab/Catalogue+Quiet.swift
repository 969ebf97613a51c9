extension Catalogue {
    /// Ready when it listens.
    static let nginx = Part(
        "bash",
        [
            "-c",
            """
            printf 'daemon off; pid @dir/nginx.pid; error_log stderr; events {} http { access_log off; \
            client_body_temp_path @dir; proxy_temp_path @dir; fastcgi_temp_path @dir; uwsgi_temp_path @dir; \
            scgi_temp_path @dir; server { listen 127.0.0.1:18712; keepalive_requests 1000000000; return 204; } }' \
                >@dir/nginx.conf
            nginx -p @dir -e stderr -t -c @dir/nginx.conf && { nginx -p @dir -e stderr -c @dir/nginx.conf & }
            while ! (: </dev/tcp/127.0.0.1/18712) 2>/dev/null; do sleep 0.1; done; echo ready; wait
            """,
        ], readyWhen: "ready")

    /// What a host does all day: nothing above low may come up.
    static let quiet: [Scenario] = [
        Scenario(name: "idle", about: "Nothing happens.", fault: [], seconds: 20),
        Scenario(
            name: "copy", about: "cp of 4 GB.",
            fault: [.shell("head -c 4G /dev/zero >@dir/a && cp @dir/a @dir/b && sync && sleep 60")], seconds: 25),
        Scenario(
            name: "archive", about: "tar and gzip of /usr/share.",
            fault: [.shell("tar -c /usr/share 2>/dev/null | gzip >@dir/share.tgz; sleep 60")], seconds: 20),
        Scenario(
            name: "find", about: "find over the whole file system.",
            fault: [.shell("find / -xdev >/dev/null; sleep 60")], seconds: 15),
        Scenario(
            name: "idle-sockets", about: "Ten thousand connections that nobody uses, an epoll, sleeping threads.",
            fault: [.workload("idle", 18_710, 10_000), .workload("sleepers", 200)], seconds: 20),
        Scenario(
            name: "cron-burst", about: "Five hundred short processes, then a pause.", fault: [.workload("forks", 500)],
            seconds: 20),
        Scenario(
            name: "steady-fsync", about: "A database that makes fifty pages a second durable.",
            victim: .workload("durable", "@dir/db.dat", 20), fault: [], seconds: 20),
        Scenario(
            name: "page-cache", about: "Reading files until memory is full of them.",
            fault: [
                .shell("head -c 3G /dev/zero >@dir/big; for i in 1 2 3; do cat @dir/big >/dev/null; done; sleep 60")
            ],
            seconds: 25),
        Scenario(
            name: "log-rotation", about: "A log of 200 MB is compressed and removed.",
            fault: [
                .shell(
                    "for i in 1 2 3; do head -c 200M /dev/urandom >@dir/log; gzip -1 @dir/log; rm -f @dir/log.gz; sleep 2; done; sleep 60"
                )
            ], seconds: 20),
        Scenario(
            name: "short-connections", about: "Two thousand connections a second, opened and closed.",
            fault: [.workload("churn", 18_711)], seconds: 20),
        Scenario(
            name: "web-server", about: "nginx at 5000 requests a second.",
            victim: .workload("requests", 18_712, 5000), bystanders: [nginx], fault: [], seconds: 20),
        Scenario(
            name: "compile", about: "This very project, with two jobs.",
            fault: [
                // Compilers are in groups of their own and may outlive what started them.
                .shell(
                    "trap 'pkill -KILL -f @dir/build' TERM; cd @source && swift build -j 2 --scratch-path @dir/build && sleep 100"
                )
            ], seconds: 60),
        Scenario(
            name: "package-installation", about: "dpkg unpacks a package of two thousand files, and again.",
            fault: [
                .shell(
                    """
                    set -e
                    mkdir -p @dir/p/DEBIAN @dir/p/files @dir/root/var/lib/dpkg/info @dir/root/var/lib/dpkg/updates
                    printf 'Package: lab\\nVersion: 1\\nArchitecture: all\\nMaintainer: lab\\nDescription: lab\\n' \
                        >@dir/p/DEBIAN/control
                    for i in $(seq 2000); do head -c 20000 /dev/urandom >@dir/p/files/$i; done
                    touch @dir/root/var/lib/dpkg/status @dir/root/var/lib/dpkg/available
                    dpkg-deb --build @dir/p @dir/lab.deb
                    while :; do dpkg --root=@dir/root --install @dir/lab.deb; sleep 1; done
                    """)
            ], seconds: 25),
        Scenario(
            name: "one-busy-core", about: "A computation on one of the cores.",
            fault: [.stress("--cpu 1 --timeout 60")],
            seconds: 20),
        Scenario(
            name: "busy-alone", about: "Every core is busy with work that hurts nobody.",
            fault: [.stress("--cpu 4 --timeout 60")], seconds: 20),
        Scenario(
            name: "nice-background", about: "A job at nice 19 waits until the busy foreground lets it run.",
            victim: Part(
                "nice", ["-n", "19", "@bin/faultlab-workload", "periodic", "10", "2000"], readyWhen: "ready"),
            fault: [.stress("--cpu 2 --timeout 60")], seconds: 20),
    ]
}
