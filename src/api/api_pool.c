/* api_pool.c: see api_pool.h. */
#include "api/api_pool.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"

struct conn_pool {
	struct store *store;
	pthread_mutex_t lock;
	struct store_conn *kept[CONN_POOL_KEPT_MAX];
	unsigned count, out;
};

struct conn_pool *conn_pool_create(struct store *store)
{
	struct conn_pool *pool = mem_alloc(sizeof *pool);
	pool->store = store;
	pthread_mutex_init(&pool->lock, NULL);
	return pool;
}

void conn_pool_destroy(struct conn_pool **pool)
{
	if (*pool == NULL)
		return;
	assert((*pool)->out == 0);
	while ((*pool)->count > 0)
		store_disconnect(&(*pool)->kept[--(*pool)->count]);
	pthread_mutex_destroy(&(*pool)->lock);
	mem_free(*pool);
	*pool = NULL;
}

enum err conn_pool_take(struct conn_pool *pool, struct store_conn **ret_conn, struct error *err)
{
	struct store_conn *conn = NULL;
	pthread_mutex_lock(&pool->lock);
	if (pool->count > 0)
		conn = pool->kept[--pool->count];
	pool->out++;
	pthread_mutex_unlock(&pool->lock);
	enum err r = conn != NULL ? OK : store_connect(pool->store, true, &conn, err);
	if (r == OK) {
		*ret_conn = conn;
		return OK;
	}
	pthread_mutex_lock(&pool->lock);
	pool->out--;
	pthread_mutex_unlock(&pool->lock);
	return r;
}

void conn_pool_give(struct conn_pool *pool, struct store_conn **conn)
{
	store_as_of(*conn, 0);
	pthread_mutex_lock(&pool->lock);
	pool->out--;
	if (pool->count < CONN_POOL_KEPT_MAX) {
		pool->kept[pool->count++] = *conn;
		*conn = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	store_disconnect(conn);
}
