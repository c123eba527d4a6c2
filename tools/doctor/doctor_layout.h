/* ToolDoctorLayout: what a walk over the index of a file finds, and the sample that it picks.
 *
 *     chunks:  |##|##|  | r|  |  |##|##|  |  | r|  |##|##|
 *               place              place            place
 *
 * Places are spread evenly over the file; the first one begins with its first chunk, the last
 * one with its last. A place is a chunk, and those after it up to 256 KiB of records. Reads (r)
 * are spread evenly, too: one record each of up to 1000 chunks, as long as all these together
 * decode to 8 MiB, but of 32 in any case. Immutable once found.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

/* Records that are read in order. */
typedef struct {
    uint64_t first, end;   /* of the reader */
    uint64_t n_chunks;     /* at most 64 */
    uint64_t decoded_size; /* bytes of the records */
} ToolDoctorPlace;

/* A record that is read at random. */
typedef struct {
    uint64_t record;       /* of the reader */
    uint64_t begin, limit; /* bytes of the file that its chunk takes, padding included */
    uint64_t end;          /* where it ends without padding */
} ToolDoctorRead;

typedef struct {
    uint64_t n_records;
    uint64_t n_chunks;
    uint64_t decoded_size; /* bytes, of these chunks */
    uint64_t stored_size;  /* bytes from the first of them to the end of the last */
    uint64_t max_records;  /* of a chunk */
    uint64_t max_decoded;  /* bytes of a chunk */
    uint64_t n_uneven;     /* chunks that keep the reference from finding records */
    GArray *places;        /* of ToolDoctorPlace */
    GArray *reads;         /* of ToolDoctorRead, each of another chunk */
} ToolDoctorLayout;

/* Walks over the records of @reader, which has one file, and picks at most @most places.
 * @layout  (out) zeroed; clear it in any case. Errors: IO, if the index is offloaded. */
bool tool_doctor_layout_walk (ToolDoctorLayout *layout, ArecReader *reader, size_t most,
                              GError **error);
void tool_doctor_layout_clear (ToolDoctorLayout *layout); /* takes a zeroed one */

/* Bytes that the average chunk of the reads takes in the file, and of them padding, as a part
 * from 0 to 1. 0 without reads. */
double tool_doctor_layout_chunk_size (const ToolDoctorLayout *layout);
double tool_doctor_layout_padding (const ToolDoctorLayout *layout);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolDoctorLayout, tool_doctor_layout_clear)
