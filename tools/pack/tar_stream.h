/* The framing of a tar archive: what stands before, after and behind the bytes of its members.
 *
 * Pure functions, any thread. The form is ustar; a member whose name, size or time does not fit
 * has a pax header before it. Mode 0644, user and group 0 without names: equal members give
 * equal bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* Bytes of the end of an archive. */
enum { TOOL_TAR_STREAM_END = 1024 };

/* A regular file. */
typedef struct {
    const char *name; /* at most 64 MiB; taken as it is */
    uint64_t size;    /* bytes */
    int64_t mtime;    /* seconds since 1970 */
} ToolTarMember;

/* Appends the headers of @member, after which its bytes come. */
void tool_tar_stream_put_header (GByteArray *out, const ToolTarMember *member);

/* Zero bytes that follow @size bytes of a member, in [0, 512). */
size_t tool_tar_stream_padding (uint64_t size);

/* Appends the end of the archive. Readers report an archive without it as cut off. */
void tool_tar_stream_put_end (GByteArray *out);
