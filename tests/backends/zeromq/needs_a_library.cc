// A program that cannot start.
extern "C" int paracord_test_missing();
int main() {
  return paracord_test_missing();
}
