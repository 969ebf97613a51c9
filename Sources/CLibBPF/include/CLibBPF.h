#pragma once
// libbpf, the records that the BPF programs share with Swift, and the C that Swift cannot call.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "../../../bpf/io_latency_tracer.h"
#include "../../../bpf/page_fault_tracer.h"
#include "../../../bpf/processes.h"
#include "../../../bpf/sched_tracer.h"
#include "../../../bpf/syscall_tracer.h"
#include "../../../bpf/tracer.h"

/// Opens an object file that lies in memory (`bpf_object_open_opts.sz` is set by a macro that Swift does not see).
struct bpf_object *_Nullable ks_object_open(const void *_Nonnull image, size_t size, const char *_Nonnull name);

/// From now on, what libbpf says on this thread is kept, up to 16 KB: for error texts.
void ks_log_start(void);
/// What libbpf said since `ks_log_start`; valid until the next call. Stops keeping.
const char *_Nonnull ks_log_stop(void);

/// Arguments of a tracepoint as this kernel's BTF declares them, or -1 when it has none of that name.
int ks_tracepoint_arguments(const char *_Nonnull name);

/// Counts software events of one CPU with a period of 1 (`PERF_COUNT_SW_*`); a file descriptor, or -errno.
int ks_software_event_open(unsigned long long config, int cpu);

/// Times that the kernel skipped a program because one was already running on that CPU; 0 on kernels before 5.12.
unsigned long long ks_recursion_misses(int programFD);

/// Where a global variable lies in its section (`.rodata`, `.bss`, `.data.control`): its offset, and its size if asked
/// for; -1 when there is none of that name.
int ks_variable(struct bpf_object *_Nonnull object, const char *_Nonnull section, const char *_Nonnull variable,
                unsigned int *_Nullable size);
