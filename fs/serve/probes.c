#include "serve/probes.h"

#include <pthread.h>
#include <stdatomic.h>

struct ArecfsListing {
    uint64_t probe; /* 0: none yet */
    bool is_looked_at;
    GList link;                       /* in the probes' list, once it has a probe */
    _Atomic (ArecSizeCursor *) sizes; /* NULL: none yet, or it is in use */
};

struct ArecfsProbes {
    pthread_mutex_t lock;
    GQueue listings; /* that have a probe */
};

ArecfsProbes *
arecfs_probes_new (void)
{
    ArecfsProbes *probes = g_new0 (ArecfsProbes, 1);

    pthread_mutex_init (&probes->lock, NULL);
    return probes;
}

void
arecfs_probes_free (ArecfsProbes *probes)
{
    if (probes) {
        pthread_mutex_destroy (&probes->lock);
        g_free (probes);
    }
}

ArecfsListing *
arecfs_listing_begin (void)
{
    ArecfsListing *listing = g_new0 (ArecfsListing, 1);

    listing->link.data = listing;
    return listing;
}

void
arecfs_listing_end (ArecfsProbes *probes, ArecfsListing *listing)
{
    if (!listing) {
        return;
    }
    pthread_mutex_lock (&probes->lock);
    if (listing->probe != 0) {
        g_queue_unlink (&probes->listings, &listing->link);
    }
    pthread_mutex_unlock (&probes->lock);
    arec_size_cursor_free (listing->sizes);
    g_free (listing);
}

ArecSizeCursor *
arecfs_listing_take_sizes (ArecfsListing *listing, ArecReader *reader)
{
    ArecSizeCursor *sizes = atomic_exchange (&listing->sizes, NULL);

    return sizes ? sizes : arec_size_cursor_new (reader);
}

void
arecfs_listing_give_sizes (ArecfsListing *listing, ArecSizeCursor *sizes)
{
    arec_size_cursor_free (atomic_exchange (&listing->sizes, sizes));
}

bool
arecfs_listing_next (ArecfsProbes *probes, ArecfsListing *listing, uint64_t ino)
{
    bool was_looked_at;

    pthread_mutex_lock (&probes->lock);
    was_looked_at = listing->probe == 0 || listing->is_looked_at;
    if (listing->probe == 0) {
        g_queue_push_tail_link (&probes->listings, &listing->link);
    }
    listing->probe = ino;
    listing->is_looked_at = false;
    pthread_mutex_unlock (&probes->lock);
    return was_looked_at;
}

void
arecfs_probes_look (ArecfsProbes *probes, uint64_t ino)
{
    pthread_mutex_lock (&probes->lock);
    for (GList *link = probes->listings.head; link; link = link->next) {
        ArecfsListing *listing = link->data;

        listing->is_looked_at = listing->is_looked_at || listing->probe == ino;
    }
    pthread_mutex_unlock (&probes->lock);
}
