#include "api/test_api_world.h"
TEST(x){}
TESTS(RUN(x))
