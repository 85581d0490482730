// Link: a place in a circular list that lives inside its elements. Whoever has the list guards it.
#ifndef CACHECHAIN_BASE_LINK_H_
#define CACHECHAIN_BASE_LINK_H_

namespace cachechain {

// An element leaves its list without knowing which one it is in.
struct Link {
  Link *previous = this;
  Link *next = this;

  Link() = default;
  Link(const Link &) = delete;
  Link &operator=(const Link &) = delete;

  bool alone() const { return next == this; }
  void leave() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  // Before this one: at the end of the list that this one is the head of.
  void append(Link &link) {
    link.previous = previous;
    link.next = this;
    previous->next = &link;
    previous = &link;
  }
  // Takes all elements of another head.
  void append_all(Link &head) {
    if (head.alone()) return;
    head.next->previous = previous;
    head.previous->next = this;
    previous->next = head.next;
    previous = head.previous;
    head.previous = head.next = &head;
  }
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_LINK_H_
