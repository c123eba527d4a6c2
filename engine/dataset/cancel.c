#include <arec/cancel.h>

static _Thread_local const ArecCancel *bound;

void
arec_cancel_bind (const ArecCancel *cancel)
{
    bound = cancel;
}

const ArecCancel *
arec_cancel_bound (void)
{
    return bound;
}

void
arec_cancel_set (ArecCancel *cancel)
{
    __atomic_store_n (&cancel->is_set, 1, __ATOMIC_RELAXED);
}

bool
arec_cancel_is_set (const ArecCancel *cancel)
{
    return cancel && __atomic_load_n (&cancel->is_set, __ATOMIC_RELAXED) != 0;
}
