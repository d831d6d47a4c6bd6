/* A crash deep inside of calls, with variables of every kind on the way. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum colour { RED = 1, GREEN = 4, BLUE = -1 };

struct point {
    int16_t x, y;
};

struct sensor {
    const char *name;
    struct point at[2];
    enum colour colour;
    unsigned ready : 1, errors : 5;
    int offset : 6;
    uint8_t raw[4];
};

union word {
    uint32_t whole;
    uint8_t bytes[4];
};

static uint32_t counter = 7;
volatile uint32_t sink;

__attribute__((noinline)) static uint32_t fetch(const volatile uint32_t *from, uint32_t count)
{
    uint32_t sum = counter + count;
    for (uint32_t turn = 0; turn < count; turn++) {
        sum += from[turn];
        counter++;
    }
    return sum;
}

static inline __attribute__((always_inline)) uint32_t scaled(const struct sensor *sensor, int scale)
{
    int offset = sensor->offset * scale;
    uint32_t got = fetch((const volatile uint32_t *)(uintptr_t)(0x30000000 + offset * 0), 3);
    sink = got;
    return got + (uint32_t)offset;
}

__attribute__((noinline)) static uint32_t measure(struct sensor *sensor, int8_t gain, uint64_t wide)
{
    static int calls = 40;
    union word word = { .whole = 0x11223344 };
    bool strong = gain < 0;
    char text[8] = "volts";
    double ratio = 0.5;
    float half = 2.5f;
    calls++;
    sink = word.bytes[1] + strong + (uint32_t)text[0];
    uint32_t result = scaled(sensor, gain);
    sink = result + (uint32_t)wide;
    return result + word.whole + (uint32_t)calls + (uint32_t)(ratio > 0) + (uint32_t)half;
}

int main(void)
{
    struct sensor sensor = {
        .name = "left", .at = { { 1, -2 }, { 300, -400 } }, .colour = BLUE,
        .ready = 1, .errors = 19, .offset = -9, .raw = { 1, 2, 3, 250 },
    };
    for (int turn = 0; turn < 5; turn++)
        sink = measure(&sensor, (int8_t)(-3 - turn), 0x1122334455667788ull);
    return (int)sink;
}
