/* teataja/web/head.h - is the head of a request what it seems to everybody?
 *
 * Where a proxy and we could read one request as two different ones, somebody can
 * smuggle a second one past the proxy. So a head is taken only if RFC 9112 leaves no
 * choice of how to read it; libmicrohttpd, which reads it afterwards, is more
 * forgiving (bare LF, folded lines, Content-Length with Transfer-Encoding, two Hosts).
 */
#pragma once

#include <stddef.h>

#define HEAD_MOST 8192        /* bytes of request line and fields */
#define HEAD_TARGET_MOST 2048 /* bytes of the request target */
#define HEAD_FIELDS_MOST 64
#define HEAD_BODY_MOST 1048576 /* largest Content-Length that is looked at: 1 MiB */

#define HEAD_FINE 200 /* the whole head is there, and clear */
#define HEAD_MORE 0   /* so far fine; the end is still to come */

/* Looks at the first `len` bytes of a connection. Returns HEAD_FINE, HEAD_MORE, or the
 * status to refuse it with:
 *   400  a bare LF or CR, a control character, a folded line, white space before ':', no
 *        Host or several, several Content-Lengths or one that is no number, both
 *        Content-Length and Transfer-Encoding, a target that is no path
 *   411  Transfer-Encoding: nobody who writes to us needs it
 *   413  Content-Length over HEAD_BODY_MOST
 *   414  target over HEAD_TARGET_MOST
 *   431  head over HEAD_MOST, or more than HEAD_FIELDS_MOST fields
 *   505  another version than HTTP/1.0 and HTTP/1.1 */
int head_check(const char *data, size_t len);
