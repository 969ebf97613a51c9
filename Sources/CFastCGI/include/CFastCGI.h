#pragma once

#include <fastcgi.h>
#include <fcgiapp.h>
#include <malloc.h>
#include <stddef.h>

/* Tells the record guard (guard.c) that this thread is about to read a new request, whose parameters may take at most
 * `parameter_bytes` on the wire. Call it before each FCGX_Accept_r. */
void fastcgi_expect_request(size_t parameter_bytes);
