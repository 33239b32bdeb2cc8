/* api_pool.h: reading connections, one for each call that runs, kept for the next. Any thread. */
#pragma once

#include "store/store.h"

struct conn_pool;

#define CONN_POOL_KEPT_MAX 64u

struct conn_pool *conn_pool_create(struct store *store);
void conn_pool_destroy(struct conn_pool **pool); /* every connection was given back */
enum err conn_pool_take(struct conn_pool *pool, struct store_conn **ret_conn, struct error *err);
void conn_pool_give(struct conn_pool *pool, struct store_conn **conn);
