/* Victims and faults that stress-ng and fio do not have. The first argument names one:
 *
 *   periodic MS WORK_US          wakes every MS, works for WORK_US               measures how late it wakes
 *   durable FILE MS              appends a page and makes it durable every MS     measures fdatasync
 *   locker FILE MS               locks a file for a moment every MS               measures flock
 *   pages FILE MB                touches random pages of a mapped file            measures 200 touches
 *   scan FILE MB                 writes a file once and reads it through the page cache for ever
 *   client PORT MS               asks the echo server at PORT every MS            measures connect to reply
 *   requests PORT PER_SECOND     asks the HTTP server at PORT, on one connection  measures request to reply
 *   echo PORT [BACKLOG]          answers clients, one after the other
 *   deaf PORT                    listens with a queue of 8 and accepts twenty connections a second
 *   knock PORT N [ADDRESS]       keeps trying to open N connections, from another loopback address
 *   hasty PORT                   connects to the echo server and hangs up first, as fast as it can
 *   churn PORT                   opens and closes connections as fast as it can
 *   leaky PORT N                 accepts N connections that their clients close, and never closes its own ends
 *   idle PORT N                  N connections that nobody uses, and an epoll that waits for them
 *   keeper FILE MS               keeps a file locked for MS, lets go for a moment, and again
 *   fight THREADS                threads that fight over one mutex
 *   grow MB_PER_SECOND MB        takes memory slowly, up to MB, and keeps it
 *   forks N                      N short processes, ten at a time, then a pause of a second, and again
 *   sleepers THREADS             threads that sleep
 *
 * A victim prints "ready", and then once a second "latency MEDIAN P99 MAXIMUM" in milliseconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "faultlab-workload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void rest(double milliseconds)
{
    struct timespec time = {(time_t)(milliseconds / 1e3), (long)((long)(milliseconds * 1e6) % 1000000000)};
    nanosleep(&time, NULL);
}

/* --- what a victim measures ------------------------------------------------------------------------------------- */

static double samples[4096];
static int sample_count;
static double next_report;

static int by_value(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void ready(void)
{
    printf("ready\n");
    fflush(stdout);
    next_report = now() + 1000;
}

static void measured(double milliseconds)
{
    if (sample_count < (int)(sizeof samples / sizeof *samples))
        samples[sample_count++] = milliseconds;
    if (now() < next_report)
        return;
    qsort(samples, sample_count, sizeof *samples, by_value);
    printf("latency %.3f %.3f %.3f\n", samples[sample_count / 2], samples[sample_count * 99 / 100],
           samples[sample_count - 1]);
    fflush(stdout);
    sample_count = 0;
    next_report = now() + 1000;
}

/* --- victims ---------------------------------------------------------------------------------------------------- */

static void work(double microseconds)
{
    double end = now() + microseconds / 1e3;
    while (now() < end)
        ;
}

static void periodic(double period, double work_us)
{
    double due = now();
    ready();
    for (;;) {
        due += period;
        double left = due - now();
        if (left > 0)
            rest(left);
        measured(now() - due);
        if (left <= 0)
            due = now();
        work(work_us);
    }
}

static void durable(const char *path, double pause)
{
    static char page[4096] = "page";
    int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (file < 0)
        fail(path);
    ready();
    for (off_t at = 0;; at = (at + sizeof page) % (64 << 20)) {
        double start = now();
        if (pwrite(file, page, sizeof page, at) < 0 || fdatasync(file) < 0)
            fail(path);
        measured(now() - start);
        rest(pause);
    }
}

static int lock_file(const char *path)
{
    int file = open(path, O_CREAT | O_RDWR, 0644);
    if (file < 0)
        fail(path);
    return file;
}

static void locker(const char *path, double pause)
{
    int file = lock_file(path);
    ready();
    for (;;) {
        double start = now();
        if (flock(file, LOCK_EX) < 0)
            fail("flock");
        measured(now() - start);
        flock(file, LOCK_UN);
        rest(pause);
    }
}

static void keeper(const char *path, double milliseconds)
{
    int file = lock_file(path);
    ready();
    for (;;) {
        if (flock(file, LOCK_EX) < 0)
            fail("flock");
        rest(milliseconds);
        flock(file, LOCK_UN);
        rest(20);
    }
}

static void pages(const char *path, size_t megabytes)
{
    size_t size = megabytes << 20, count = size / 4096;
    static char block[1 << 20];
    int file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0644), random = open("/dev/urandom", O_RDONLY);
    if (file < 0 || random < 0)
        fail(path);
    for (size_t at = 0; at < size; at += sizeof block)
        if (read(random, block, sizeof block) < 0 || pwrite(file, block, sizeof block, (off_t)at) < 0)
            fail(path);
    fsync(file);
    volatile char *view = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (view == MAP_FAILED)
        fail("mmap");
    for (int round = 0; round < 3; round++)
        for (size_t page = 0; page < count; page++)
            (void)view[page * 4096];
    ready();
    unsigned seed = 1;
    for (;;) {
        double start = now();
        for (int touch = 0; touch < 200; touch++)
            (void)view[(size_t)(((uint64_t)rand_r(&seed) << 16 ^ rand_r(&seed)) % count) * 4096];
        measured(now() - start);
        rest(5);
    }
}

static void scan(const char *path, size_t megabytes)
{
    static char block[1 << 20];
    int file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0644);
    if (file < 0)
        fail(path);
    for (size_t at = 0; at < megabytes; at++)
        if (write(file, block, sizeof block) < 0)
            fail(path);
    fsync(file);
    ready();
    for (;;) {
        lseek(file, 0, SEEK_SET);
        while (read(file, block, sizeof block) > 0)
            ;
    }
}

/* --- sockets ---------------------------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int listener(int port, int backlog)
{
    struct sockaddr_in address = loopback(port);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server, (struct sockaddr *)&address, sizeof address) < 0 || listen(server, backlog) < 0)
        fail("listen");
    return server;
}

static int dial_from(const char *source, int port, int flags)
{
    struct sockaddr_in address = loopback(port), own = loopback(0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (source && (inet_pton(AF_INET, source, &own.sin_addr) != 1
                   || bind(client, (struct sockaddr *)&own, sizeof own) < 0))
        fail(source);
    if (client >= 0 && connect(client, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(client);
        errno = error;
        return -1;
    }
    return client;
}

static int dial(int port, int flags)
{
    return dial_from(NULL, port, flags);
}

static void many_files(void)
{
    struct rlimit limit = {65536, 65536};
    /* Raising the hard limit takes CAP_SYS_RESOURCE; without, what it allows must do. */
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void echo(int port, int backlog)
{
    int server = listener(port, backlog ? backlog : 128);
    ready();
    for (;;) {
        char buffer[64];
        int client = accept(server, NULL, NULL);
        ssize_t count = client < 0 ? 0 : read(client, buffer, sizeof buffer);
        if (count > 0 && write(client, buffer, count) < 0)
            perror("echo");
        if (client >= 0)
            close(client);
    }
}

/* Waits for a connection. A wait that lasts is told each second before it ends, and once more when it has. */
static void await(int connection, short events, double start)
{
    struct pollfd waiting = {connection, events, 0};
    while (poll(&waiting, 1, 1000) == 0)
        measured(now() - start);
}

static void client(int port, double pause)
{
    ready();
    for (;;) {
        char buffer[64];
        double start = now();
        int connection;
        /* Without a port there is no connection, and the waiting for one counts. */
        while ((connection = dial(port, SOCK_NONBLOCK)) < 0 && errno == EADDRNOTAVAIL) {
            measured(now() - start);
            rest(pause);
        }
        if (connection >= 0) {
            await(connection, POLLOUT, start);
            if (write(connection, "hello", 5) == 5) {
                await(connection, POLLIN, start);
                if (read(connection, buffer, sizeof buffer) < 0)
                    perror("client");
            }
            close(connection);
        }
        measured(now() - start);
        rest(pause);
    }
}

/* Who hangs up first keeps the port in TIME_WAIT. */
static void hasty(int port)
{
    ready();
    for (;;) {
        int connection = dial(port, 0);
        if (connection >= 0)
            close(connection);
        else
            rest(1);
    }
}

/* As many as are due go out together, and the replies are counted by the ends of their headers: the server's replies must
 * have no body. */
static void requests(int port, int per_second)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const int batch = per_second / 100;
    int connection = dial(port, 0), yes = 1;
    if (connection < 0)
        fail("requests");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ready();
    for (double due = now();;) {
        char replies[65536];
        int ends = 0, state = 0;
        double start = now();
        for (int index = 0; index < batch; index++)
            if (write(connection, text, sizeof text - 1) < 0)
                fail("requests");
        while (ends < batch) {
            ssize_t count = read(connection, replies, sizeof replies);
            if (count <= 0)
                fail("requests");
            for (ssize_t at = 0; at < count; at++) {
                state = replies[at] == "\r\n\r\n"[state] ? state + 1 : replies[at] == '\r';
                if (state == 4) {
                    state = 0;
                    ends++;
                }
            }
        }
        measured((now() - start) / batch);
        due += 10;
        if (due > now())
            rest(due - now());
        else
            due = now();
    }
}

static void deaf(int port)
{
    int server = listener(port, 8);
    ready();
    for (;;) {
        int connection = accept(server, NULL, NULL);
        rest(50);
        close(connection);
    }
}

static void knock(int port, int count, const char *source)
{
    many_files();
    int *connections = calloc(count, sizeof *connections);
    ready();
    for (;;) {
        for (int index = 0; index < count; index++)
            connections[index] = dial_from(source, port, SOCK_NONBLOCK);
        rest(500);
        for (int index = 0; index < count; index++)
            if (connections[index] >= 0)
                close(connections[index]);
    }
}

static void churn(int port)
{
    if (fork() == 0) {
        int server = listener(port, 512);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            close(accept(server, NULL, NULL));
    }
    rest(200);
    ready();
    for (;;) {
        char byte;
        int connection = dial(port, 0);
        if (connection < 0) {
            rest(1);
            continue;
        }
        /* Who closes first keeps TIME_WAIT: here the server, since this waits for its end. */
        if (read(connection, &byte, 1) < 0)
            rest(1);
        close(connection);
    }
}

static void leaky(int port, int count)
{
    many_files();
    int server = listener(port, 512);
    ready();
    for (int index = 0; index < count; index++) {
        int connection = dial(port, 0), kept = accept(server, NULL, NULL);
        if (connection < 0 || kept < 0)
            fail("leaky");
        close(connection);
    }
    for (;;)
        pause();
}

static void idle(int port, int count)
{
    many_files();
    int server = listener(port, 512), poll = epoll_create1(0);
    /* The clients in a process of their own: each end needs a descriptor. */
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int index = 0; index < count; index++)
            if (dial(port, 0) < 0)
                fail("idle");
        for (;;)
            pause();
    }
    for (int index = 0; index < count; index++) {
        int accepted = accept(server, NULL, NULL);
        struct epoll_event event = {.events = EPOLLIN};
        if (accepted < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &event) < 0)
            fail("idle");
    }
    ready();
    for (;;) {
        struct epoll_event events[16];
        epoll_wait(poll, events, 16, -1);
    }
}

/* --- threads, memory, processes --------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *fighter(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        work(20);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void *sleeper(void *unused)
{
    for (;;)
        rest(100000);
    return unused;
}

static void threads(int count, void *(*body)(void *))
{
    pthread_t thread;
    for (int index = 0; index < count; index++)
        if (pthread_create(&thread, NULL, body, NULL) != 0)
            fail("pthread_create");
    ready();
    for (;;)
        pause();
}

static void grow(double per_second, size_t most)
{
    ready();
    for (size_t held = 0; held < most; held += 4) {
        char *memory = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            fail("mmap");
        memset(memory, 1, 4 << 20);
        rest(4000 / per_second);
    }
    for (;;)
        pause();
}

static void forks(int count)
{
    ready();
    for (;;) {
        for (int started = 0; started < count; started += 10) {
            for (int index = 0; index < 10; index++)
                if (fork() == 0)
                    _exit(0);
            while (wait(NULL) > 0)
                ;
        }
        rest(1000);
    }
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "", *first = argc > 2 ? argv[2] : "", *second = argc > 3 ? argv[3] : "";
    int number = atoi(first), other = atoi(second);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, name);
    if (!strcmp(name, "periodic")) periodic(atof(first), atof(second));
    if (!strcmp(name, "durable")) durable(first, atof(second));
    if (!strcmp(name, "locker")) locker(first, atof(second));
    if (!strcmp(name, "keeper")) keeper(first, atof(second));
    if (!strcmp(name, "pages")) pages(first, other);
    if (!strcmp(name, "scan")) scan(first, other);
    if (!strcmp(name, "client")) client(number, atof(second));
    if (!strcmp(name, "requests")) requests(number, other);
    if (!strcmp(name, "echo")) echo(number, other);
    if (!strcmp(name, "deaf")) deaf(number);
    if (!strcmp(name, "knock")) knock(number, other, argc > 4 ? argv[4] : NULL);
    if (!strcmp(name, "hasty")) hasty(number);
    if (!strcmp(name, "churn")) churn(number);
    if (!strcmp(name, "leaky")) leaky(number, other);
    if (!strcmp(name, "idle")) idle(number, other);
    if (!strcmp(name, "fight")) threads(number, fighter);
    if (!strcmp(name, "sleepers")) threads(number, sleeper);
    if (!strcmp(name, "grow")) grow(atof(first), other);
    if (!strcmp(name, "forks")) forks(number);
    fprintf(stderr, "faultlab-workload: %s: no such workload; the first lines of its source list them\n", name);
    return 64;
}
