/* snappy_block.c: see snappy_block.h. */
#include "wire/snappy_block.h"

#include <assert.h>
#include <snappy-c.h>

#include "base/mem.h"

enum err snappy_block_unpack(struct str block, struct buf *bytes, struct error *err)
{
	size_t size = 0;
	if (block.len == 0 || snappy_uncompressed_length(block.ptr, block.len, &size) != SNAPPY_OK)
		return error_set(err, ERR_INVALID, "the body is not a block of snappy");
	buf_reset(bytes);
	if (size > bytes->limit)
		return error_set(err, ERR_TOO_LARGE, "the body would be %zu bytes when it is unpacked: %zu are allowed", size,
				 bytes->limit);
	if (snappy_uncompress(block.ptr, block.len, buf_room(bytes, size), &size) != SNAPPY_OK)
		return error_set(err, ERR_INVALID, "the body is a damaged block of snappy");
	buf_grew(bytes, size);
	return OK;
}

void snappy_block_pack(struct str bytes, char **ret_block, size_t *ret_size)
{
	size_t size = snappy_max_compressed_length(bytes.len);
	char *block = mem_alloc(size);
	snappy_status status = snappy_compress(bytes.ptr, bytes.len, block, &size);
	assert(status == SNAPPY_OK);
	*ret_block = block;
	*ret_size = size;
}
