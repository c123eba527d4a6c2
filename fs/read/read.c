#include "read/read.h"

#include <errno.h>

#include "serve/lane.h"
#include "serve/source_wait.h"

/* After a failed READ the size that the kernel knows may be wrong, too. For a damaged chunk
 * the kernel is notified once: it asks at least twice for each of its records, ahead and by
 * page. */
static void
reply_failure (const ArecfsRead *read, GError *error)
{
    ArecfsServer *server = read->request.server;

    if (arecfs_damage_log_report_node (server->damage, server->tree, &read->node, error)) {
        fuse_lowlevel_notify_inval_inode (server->session, read->request.ino, -1, 0);
    }
    arecfs_reply_logged_error (&read->request, error);
}

void
arecfs_read_reply (const ArecfsRead *read, const ArecView *view, GError *error)
{
    ArecfsServer *server = read->request.server;

    if (error) {
        reply_failure (read, error);
        return;
    }
    arecfs_damage_log_note_read (server->damage, server->tree, &read->node);
    arecfs_counters_add_read (&server->counters, view->size);
    arecfs_reply_data (&read->request, view->data, view->size);
}

/* Clears @view, whose bytes were the reply. The kernel keeps them in its page cache, so that a
 * large record needs no place in our cache, too. */
static void
let_go (const ArecfsRead *read, ArecView *view)
{
    if (read->request.is_direct) {
        arec_view_clear (view);
    } else {
        arec_view_clear_kept (view);
    }
}

/* Of a READ in the lane, whose record was found before. */
static void
answer_in_lane (const ArecfsRequest *request)
{
    ArecfsRead read = {
        .request = *request, .size = request->size, .offset = (uint64_t)request->offset};

    if (arecfs_tree_get (request->server->tree, request->ino, &read.node, NULL)) {
        arecfs_read_answer (&read);
    } else {
        arecfs_reply_errno (request, ESTALE);
    }
}

void
arecfs_read_answer (const ArecfsRead *read)
{
    ArecReader *reader = read->node.file->reader;
    g_auto (ArecView) view = {0};
    ArecfsSourceWait wait;
    GError *error = NULL;
    ArecSpot spot;

    if (!arec_reader_find (reader, read->node.record, &spot, &error) ||
        arec_reader_read_spot_ready (reader, &spot, read->offset, read->size, &view)) {
        arecfs_read_reply (read, &view, error);
        let_go (read, &view);
        return;
    }
    if (arecfs_lane_takes (&read->request, read->node.file, answer_in_lane) ||
        !arecfs_source_wait_begin (&wait, &read->request)) {
        return;
    }
    arec_reader_read_spot (reader, &spot, read->offset, read->size, &view, &error);
    if (!arecfs_source_wait_end (&wait)) {
        g_clear_error (&error);
        return;
    }
    arecfs_read_reply (read, &view, error);
    let_go (read, &view);
}
