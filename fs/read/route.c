#include "read/route.h"

#include "read/long_reads.h"
#include "read/push.h"

/* Notes a reader that goes in order. First bytes of records show it, as of records that are
 * pushed no others are asked for. */
static ArecUpcoming
note (const ArecfsRead *read)
{
    return read->offset == 0
               ? arec_readahead_note (read->node.file->readahead, read->node.record)
               : (ArecUpcoming){0};
}

/* What follows a long READ is decoded, too, and pushed once a READ comes that is not that
 * long. */
static void
note_long (const ArecfsRead *read)
{
    ArecUpcoming upcoming = note (read);

    if (upcoming.first < upcoming.end) {
        arec_readahead_retract (read->node.file->readahead, upcoming.first);
    }
}

/* Whether a thread that pushes will answer. */
static bool
hand_to_push (ArecfsPush *push, const ArecfsRead *read)
{
    ArecUpcoming upcoming;

    if (push) {
        switch (arecfs_push_join (push, read)) {
        case ARECFS_PUSH_TAKEN: return true;
        case ARECFS_PUSH_ANSWER_NOW: return false;
        case ARECFS_PUSH_NOT_OURS: break;
        }
    }
    upcoming = note (read);
    return push && upcoming.first < upcoming.end && arecfs_push_begin (push, read, &upcoming);
}

void
arecfs_route_read (const ArecfsRead *read)
{
    ArecfsServer *server = read->request.server;

    if (arec_reader_read_is_long (read->node.file->reader, read->node.record, read->offset,
                                  read->size)) {
        note_long (read);
        if (arec_reader_is_remote (read->node.file->reader)) {
            arecfs_read_answer (read); /* in another lane, as it may wait for a network */
        } else {
            arecfs_long_reads_take (server->long_reads, read);
        }
    } else if (!hand_to_push (server->push, read)) {
        arecfs_read_answer (read);
    }
}
