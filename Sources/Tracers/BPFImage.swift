/// The compiled BPF programs; the build adds one array per `bpf/*.bpf.c`.
enum BPFImage {}
