import CLibBPF
import Model

/// What each system call is about and what its sleep means.
enum SyscallTable {
    /// What is known of one number.
    struct Kind: Equatable {
        var name: String
        var category: SyscallCategory
        var wait: call_wait
        var forks: Bool
    }

    /// By number; `nil` where this architecture has none.
    static let kinds: [Kind?] = {
        var categories: [Substring: SyscallCategory] = [:]
        for (category, names) in names { for name in words(names) { categories[name] = category } }
        let hurts = Set(words(hurting))
        let forking: Set<Substring> = ["fork", "vfork", "clone", "clone3"]
        return (0..<Int(SYSCALL_NUMBERS)).map { number in
            guard let name = SyscallNumbers.names[number] else { return nil }
            let category = categories[name[...]] ?? .other
            let wait =
                category == .intendedWait || meant.contains(name)
                ? WAIT_MEANT : hurts.contains(name[...]) ? WAIT_HURTS : WAIT_UNCLEAR
            return Kind(name: name, category: category, wait: wait, forks: forking.contains(name[...]))
        }
    }()

    static func name(of number: Int) -> String {
        kinds.indices.contains(number) ? kinds[number]?.name ?? "syscall_\(number)" : "syscall_\(number)"
    }

    static func category(of number: Int) -> SyscallCategory {
        kinds.indices.contains(number) ? kinds[number]?.category ?? .other : .other
    }

    private static func words(_ list: String) -> [Substring] { list.split(whereSeparator: \.isWhitespace) }

    /// Never slow although they are about something else than waiting: they wait for events or for their turn.
    private static let meant: Set<String> = [
        "io_getevents", "io_pgetevents", "io_uring_enter", "futex_waitv", "sched_yield",
    ]

    /// Nobody calls these in order to sleep, so whatever they sleep is the trouble. `fcntl` waits for locks only by
    /// command; the program looks at that.
    private static let hurting = """
        connect sendto sendmsg sendmmsg flock sync syncfs fsync fdatasync sync_file_range msync fallocate close stat
        fstat lstat newfstatat statx access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown fchown lchown
        fchownat unlink unlinkat mkdir mkdirat rmdir rename renameat renameat2 link linkat symlink symlinkat
        readlink readlinkat truncate ftruncate mmap munmap mremap brk mprotect mlock mlock2 mlockall execve execveat
        """

    /// What is not here is `other`.
    private static let names: [(SyscallCategory, String)] = [
        (
            .blockingIO,
            """
            read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 sendfile splice tee vmsplice
            copy_file_range sync syncfs fsync fdatasync sync_file_range readahead fallocate
            """
        ),
        (
            .asyncIO,
            """
            io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_uring_setup io_uring_enter
            io_uring_register
            """
        ),
        (
            .lockContention,
            """
            futex futex_wait futex_wake futex_requeue futex_waitv flock fcntl semop semtimedop
            """
        ),
        (
            .memoryManagement,
            """
            mmap munmap mremap brk madvise process_madvise mlock mlock2 munlock mlockall munlockall mprotect
            pkey_mprotect pkey_alloc pkey_free msync mincore mbind set_mempolicy get_mempolicy
            set_mempolicy_home_node migrate_pages move_pages remap_file_pages memfd_create memfd_secret userfaultfd
            map_shadow_stack mseal process_mrelease swapon swapoff shmat shmdt shmget shmctl membarrier cachestat
            process_vm_readv process_vm_writev
            """
        ),
        (
            .network,
            """
            socket socketpair connect bind listen sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown
            setsockopt getsockopt getpeername getsockname
            """
        ),
        (
            .fileSystem,
            """
            open openat openat2 creat close close_range stat fstat lstat newfstatat statx access faccessat
            faccessat2 chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat unlink unlinkat mkdir mkdirat
            rmdir rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat mknod mknodat truncate
            ftruncate getdents getdents64 getcwd chdir fchdir chroot pivot_root mount umount2 mount_setattr
            move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick statmount listmount statfs fstatfs
            ustat sysfs utime utimes utimensat futimesat lseek dup dup2 dup3 umask setxattr lsetxattr fsetxattr
            setxattrat getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat
            removexattr lremovexattr fremovexattr removexattrat file_getattr file_setattr name_to_handle_at
            open_by_handle_at quotactl quotactl_fd inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
            fanotify_init fanotify_mark fadvise64 pipe pipe2 lookup_dcookie
            """
        ),
        (
            .processManagement,
            """
            fork vfork clone clone3 execve execveat exit exit_group kill tkill tgkill pidfd_open pidfd_getfd
            pidfd_send_signal getpid gettid getppid getpgid getpgrp setpgid getsid setsid getuid geteuid getgid
            getegid getresuid getresgid setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid
            getgroups setgroups capget capset prctl arch_prctl personality ptrace unshare setns getpriority
            setpriority sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler
            sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_setaffinity sched_getaffinity
            sched_setattr sched_getattr ioprio_set ioprio_get getrlimit setrlimit prlimit64 getrusage times
            set_tid_address set_robust_list get_robust_list rseq kcmp seccomp getcpu set_thread_area get_thread_area
            modify_ldt
            """
        ),
        (
            .signalHandling,
            """
            rt_sigaction rt_sigprocmask rt_sigpending rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn sigaltstack
            signalfd signalfd4
            """
        ),
        (
            .timer,
            """
            timer_create timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime
            timerfd_gettime alarm setitimer getitimer clock_gettime clock_getres clock_settime clock_adjtime
            gettimeofday settimeofday adjtimex time
            """
        ),
        (
            .intendedWait,
            """
            epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 poll ppoll select pselect6 accept accept4 wait4
            waitid nanosleep clock_nanosleep pause rt_sigsuspend rt_sigtimedwait restart_syscall
            """
        ),
    ]
}
