// Command plastinka is the composition root: it alone knows everybody.
package main

func main() {}
