#include "CLibBPF.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local char log_text[16384];
static _Thread_local size_t log_length;
static _Thread_local bool log_kept;

static int keep(enum libbpf_print_level level, const char *format, va_list arguments) {
    size_t room = sizeof(log_text) - log_length;
    int written;

    if (!log_kept || level > LIBBPF_WARN || room < 2) return 0;
    written = vsnprintf(log_text + log_length, room, format, arguments);
    if (written > 0) log_length += (size_t)written < room ? (size_t)written : room - 1;
    return 0;
}

void ks_log_start(void) {
    log_length = 0;
    log_text[0] = 0;
    log_kept = true;
    libbpf_set_print(keep);
}

const char *ks_log_stop(void) {
    log_kept = false;
    return log_text;
}

struct bpf_object *ks_object_open(const void *image, size_t size, const char *name) {
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
    return bpf_object__open_mem(image, size, &options);
}

int ks_tracepoint_arguments(const char *name) {
    char type_name[128];
    struct btf *kernel = btf__load_vmlinux_btf();
    const struct btf_type *type;
    int id, count = -1;

    if (!kernel) return -1;
    snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
    id = btf__find_by_name_kind(kernel, type_name, BTF_KIND_TYPEDEF);
    if (id > 0) {
        type = btf__type_by_id(kernel, btf__type_by_id(kernel, id)->type);
        if (type && btf_is_ptr(type)) type = btf__type_by_id(kernel, type->type);
        /* The first one is the probe's own data. */
        if (type && btf_is_func_proto(type)) count = btf_vlen(type) - 1;
    }
    btf__free(kernel);
    return count;
}

int ks_software_event_open(unsigned long long config, int cpu) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes), .config = config, .sample_period = 1};
    int fd = (int)syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

unsigned long long ks_recursion_misses(int programFD) {
    struct bpf_prog_info info = {0};
    unsigned int size = sizeof(info);
    return bpf_obj_get_info_by_fd(programFD, &info, &size) ? 0 : info.recursion_misses;
}

int ks_variable(struct bpf_object *object, const char *section, const char *variable, unsigned int *size) {
    struct btf *btf = bpf_object__btf(object);
    int id = btf ? btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC) : -1;

    if (id < 0) return -1;
    const struct btf_type *type = btf__type_by_id(btf, id);
    const struct btf_var_secinfo *member = btf_var_secinfos(type);
    for (int i = 0; i < btf_vlen(type); i++, member++) {
        const struct btf_type *var = btf__type_by_id(btf, member->type);
        if (strcmp(btf__name_by_offset(btf, var->name_off), variable)) continue;
        if (size) *size = member->size;
        return (int)member->offset;
    }
    return -1;
}
