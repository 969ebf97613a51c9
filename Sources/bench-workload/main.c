/* Loops whose cost per turn is known best when nothing watches: what the tracers add to them is the tracers' price.
 *
 *   bench-workload syscalls CPU SECONDS [RATE]    getppid(2) in a loop
 *   bench-workload switches CPU SECONDS [RATE]    two threads pass a byte through pipes: two switches a turn
 *   bench-workload yields   CPU SECONDS [RATE]    two threads yield to each other: each call is a switch
 *   bench-workload faults   CPU SECONDS [RATE]    touches fresh anonymous pages
 *
 * Without a RATE as fast as it can, else that many calls, switches or faults a second. Prints nanoseconds for each; with a RATE
 * the pauses are in them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int64_t rate;

/* Sleeps until it is time for what comes after `done`, in steps of a millisecond or more. */
static void pace(int64_t start, int64_t done)
{
	if (!rate)
		return;
	int64_t due = start + done * INT64_C(1000000000) / rate;

	if (due - now() < INT64_C(1000000))
		return;
	struct timespec time = {due / INT64_C(1000000000), due % INT64_C(1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static double syscalls(int64_t until)
{
	int64_t start = now(), calls = 0;

	while (now() < until) {
		for (int turn = 0; turn < 1000; turn++)
			syscall(SYS_getppid);
		calls += 1000;
		pace(start, calls);
	}
	return (double)(now() - start) / (double)calls;
}

static int forth[2], back[2];

static void *echo(void *unused)
{
	char byte;

	(void)unused;
	while (read(forth[0], &byte, 1) == 1)
		if (write(back[1], &byte, 1) != 1)
			break;
	return NULL;
}

static double switches(int64_t until)
{
	pthread_t thread;
	char byte = 0;

	if (pipe(forth) != 0 || pipe(back) != 0 || pthread_create(&thread, NULL, echo, NULL) != 0)
		exit(1);
	int64_t start = now(), turns = 0;

	while (now() < until) {
		for (int turn = 0; turn < 100; turn++)
			if (write(forth[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
				exit(1);
		turns += 100;
		pace(start, 2 * turns);
	}
	double cost = (double)(now() - start) / (double)turns / 2;

	close(forth[1]);
	pthread_join(thread, NULL);
	return cost;
}

/* One of two: a yield of one is a switch to the other. */
static int64_t yield_until(int64_t until)
{
	int64_t start = now(), calls = 0;

	while (now() < until) {
		for (int turn = 0; turn < 100; turn++)
			sched_yield();
		calls += 100;
		pace(start, 2 * calls);
	}
	return calls;
}

static void *yield_beside(void *until)
{
	yield_until(*(int64_t *)until);
	return NULL;
}

static double yields(int64_t until)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, yield_beside, &until) != 0)
		exit(1);
	int64_t start = now(), calls = yield_until(until);
	double cost = (double)(now() - start) / (double)calls / 2;

	pthread_join(thread, NULL);
	return cost;
}

static double faults(int64_t until)
{
	const size_t pages = 4096, size = pages * 4096;
	int64_t start = now(), touched = 0;

	while (now() < until) {
		char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			exit(1);
		madvise(memory, size, MADV_NOHUGEPAGE);
		for (size_t page = 0; page < pages; page++)
			memory[page * 4096] = 1;
		munmap(memory, size);
		touched += (int64_t)pages;
		pace(start, touched);
	}
	return (double)(now() - start) / (double)touched;
}

int main(int count, char **arguments)
{
	if (count != 4 && count != 5) {
		fprintf(stderr, "usage: bench-workload syscalls|switches|yields|faults CPU SECONDS [RATE]\n");
		return 2;
	}
	rate = count == 5 ? atoll(arguments[4]) : 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(arguments[2]), &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0) {
		perror("sched_setaffinity");
		return 1;
	}
	int64_t until = now() + (int64_t)(atof(arguments[3]) * 1e9);
	double cost = strcmp(arguments[1], "syscalls") == 0   ? syscalls(until)
		      : strcmp(arguments[1], "switches") == 0 ? switches(until)
		      : strcmp(arguments[1], "yields") == 0   ? yields(until)
							      : faults(until);

	printf("%.1f\n", cost);
	return 0;
}
