// SPDX-License-Identifier: MIT
// declarative.groovy FILE: a Jenkinsfile as Groovy reads it. Nothing of it is done; every step is printed with the blocks that
// it stands in, a line each.
def within = []
def pipeline = new GroovyShell().parse(new File(args[0]))
pipeline.metaClass.methodMissing = { String name, arguments ->
    def words = arguments as List
    if (words && words[-1] instanceof Closure) {
        within.add(([name] + words[0..<-1]).join(' '))
        words[-1].call()
        within.remove(within.size() - 1)
    } else {
        println "${within.join('/')}/${name} ${words.join(' ').replace('\n', '|')}"
    }
}
pipeline.run()
