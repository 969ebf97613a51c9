/* The ceiling for a FastCGI worker: libfcgi in C, threads, and one reply that was ready before the first request.
 *
 *   bench-fcgi-worker SOCKET THREADS FILE
 *
 * FILE holds the whole reply, headers included. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int listener;
static char *reply;
static int length;

static void *serve(void *unused)
{
	FCGX_Request request;

	(void)unused;
	FCGX_InitRequest(&request, listener, 0);
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_PutStr(reply, length, request.out);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	if (count != 4) {
		fprintf(stderr, "usage: bench-fcgi-worker SOCKET THREADS FILE\n");
		return 2;
	}
	FILE *file = fopen(arguments[3], "rb");
	struct stat status;

	if (!file || fstat(fileno(file), &status) != 0) {
		perror(arguments[3]);
		return 1;
	}
	length = (int)status.st_size;
	reply = malloc((size_t)length + 1);
	if (!reply || fread(reply, 1, (size_t)length, file) != (size_t)length)
		return 1;
	FCGX_Init();
	unlink(arguments[1]);
	listener = FCGX_OpenSocket(arguments[1], 1024);
	if (listener < 0) {
		fprintf(stderr, "cannot listen on %s\n", arguments[1]);
		return 1;
	}
	chmod(arguments[1], 0666);
	int threads = atoi(arguments[2]);
	pthread_t thread;

	for (int index = 1; index < threads; index++)
		pthread_create(&thread, NULL, serve, NULL);
	serve(NULL);
	return 0;
}
