/* A guard in front of libfcgi's reader.
 *
 * libfcgi (2.4.2, and later ones) believes what a record says: FCGI_GET_VALUES with a NUL in a name dereferences null,
 * with repeated names it overruns a buffer of 64 bytes, and a parameter may announce 4 GB, which is allocated before
 * its first byte has come. libfcgi reads through OS_Read, an exported function, so the one defined here takes its
 * place: it follows the record structure as the bytes pass, and what is not a plain request ends the connection.
 *
 * What passes: version 1; first FCGI_BEGIN_REQUEST for a non-zero id; after it no management record (id 0); parameters
 * within the limit that was given, each announced length included. */
#include "CFastCGI.h"

#include <errno.h>
#include <fastcgi.h>
#include <unistd.h>

struct guard {
    size_t parameters_left;
    /* Bytes of the current record's header that have come, and what it announced. */
    unsigned char header[FCGI_HEADER_LEN];
    unsigned header_bytes;
    unsigned content_left;
    unsigned padding_left;
    int begun;
    /* The name-value pair that is being read: its one or two lengths, then its bytes. A pair may span records. */
    unsigned char lengths[8];
    unsigned length_bytes;
    size_t pair_left;
};

static _Thread_local struct guard guard;

void fastcgi_expect_request(size_t parameter_bytes)
{
    guard = (struct guard){.parameters_left = parameter_bytes};
}

static unsigned type(void) { return guard.header[1]; }

static int header_passes(void)
{
    const unsigned char *h = guard.header;
    unsigned id = h[2] << 8 | h[3];
    guard.content_left = h[4] << 8 | h[5];
    guard.padding_left = h[6];
    if (h[0] != FCGI_VERSION_1 || id == FCGI_NULL_REQUEST_ID)
        return 0;
    if (!guard.begun)
        return guard.begun = type() == FCGI_BEGIN_REQUEST && guard.content_left == sizeof(FCGI_BeginRequestBody);
    if (type() != FCGI_PARAMS)
        return 1;
    if (guard.content_left > guard.parameters_left)
        return 0;
    guard.parameters_left -= guard.content_left;
    return 1;
}

static size_t length_at(unsigned offset, unsigned *next)
{
    const unsigned char *b = guard.lengths + offset;
    *next = offset + (b[0] & 0x80 ? 4 : 1);
    return b[0] & 0x80 ? (size_t)(b[0] & 0x7f) << 24 | b[1] << 16 | b[2] << 8 | b[3] : b[0];
}

/* Follows `count` bytes of a parameter record; 0 when a pair announces more than the request may still bring. */
static int parameters_pass(const unsigned char *bytes, unsigned count)
{
    while (count > 0) {
        if (guard.pair_left > 0) {
            unsigned step = guard.pair_left < count ? (unsigned)guard.pair_left : count;
            guard.pair_left -= step;
            bytes += step;
            count -= step;
            continue;
        }
        guard.lengths[guard.length_bytes++] = *bytes++;
        count--;
        unsigned value_at = guard.lengths[0] & 0x80 ? 4 : 1, end;
        if (guard.length_bytes <= value_at)
            continue;
        end = value_at + (guard.lengths[value_at] & 0x80 ? 4 : 1);
        if (guard.length_bytes < end)
            continue;
        guard.pair_left = length_at(0, &value_at);
        guard.pair_left += length_at(value_at, &end);
        guard.length_bytes = 0;
        /* Rest of this record, and the records that may still come. */
        if (guard.pair_left > count + guard.content_left + guard.parameters_left)
            return 0;
    }
    return 1;
}

static int passes(const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        if (guard.header_bytes < FCGI_HEADER_LEN) {
            guard.header[guard.header_bytes++] = *bytes++;
            count--;
            if (guard.header_bytes == FCGI_HEADER_LEN && !header_passes())
                return 0;
        } else if (guard.content_left > 0) {
            unsigned step = guard.content_left < count ? guard.content_left : (unsigned)count;
            guard.content_left -= step;
            if (type() == FCGI_PARAMS && !parameters_pass(bytes, step))
                return 0;
            bytes += step;
            count -= step;
        } else if (guard.padding_left > 0) {
            unsigned step = guard.padding_left < count ? guard.padding_left : (unsigned)count;
            guard.padding_left -= step;
            bytes += step;
            count -= step;
        }
        if (guard.header_bytes == FCGI_HEADER_LEN && guard.content_left == 0 && guard.padding_left == 0)
            guard.header_bytes = 0;
    }
    return 1;
}

/* Takes the place of libfcgi's own. */
int OS_Read(int fd, char *buffer, size_t length)
{
    ssize_t count;
    do
        count = read(fd, buffer, length);
    while (count < 0 && errno == EINTR);
    if (count > 0 && !passes((const unsigned char *)buffer, (size_t)count)) {
        errno = EPROTO;
        return -1;
    }
    return (int)count;
}
