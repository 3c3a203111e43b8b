//! From the members of a unit to its instructions: operands resolved, products fused into sums, registers
//! shared.

use std::collections::HashMap;

use enscore_program::{Binary, Id, Kind, Op, strides};

use super::MOST_STEADY;
use super::instruction::{Draw, Fused, Instruction, Operand, Operation, Reduction, Target, View};
use crate::plan::{Class, Graph, Grouping, Place};
use crate::random::Distribution;

/// Builds the instructions of unit `number`. `place` tells where a stored node lives.
pub(crate) fn build(graph: &Graph, grouping: &Grouping, number: usize, place: &dyn Fn(Id) -> Place) -> Fused {
    let unit = &grouping.units[number];
    let fused = Fused { size: unit.size, form: unit.form, ..Fused::default() };
    let mut builder = Builder { graph, grouping, number, place, fused, values: HashMap::new() };
    for id in &unit.members {
        builder.add(*id);
    }
    builder.fuse_products();
    builder.find_steady();
    builder.share_registers();
    builder.fused.shared = vec![false; builder.fused.reads.len()];
    builder.fused
}

struct Builder<'a> {
    graph: &'a Graph,
    grouping: &'a Grouping,
    number: usize,
    place: &'a dyn Fn(Id) -> Place,
    fused: Fused,
    /// Where members' values are while a tile is worked on. Registers are numbered afresh for each value.
    values: HashMap<Id, Operand>,
}

fn position<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|other| *other == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

impl Builder<'_> {
    fn read(&mut self, id: Id) -> usize {
        position(&mut self.fused.reads, ((self.place)(id), self.graph.size(id)))
    }

    /// The value of a node as an operand of the pass.
    fn operand(&mut self, id: Id) -> Operand {
        let id = self.graph.base[id];
        if let Some(value) = self.graph.constant(id) {
            return Operand::Immediate(value);
        }
        if let Some(value) = self.values.get(&id) {
            return *value;
        }
        let slot = self.read(id);
        if self.graph.size(id) == 1 { Operand::Scalar(slot) } else { Operand::Memory(slot) }
    }

    fn add(&mut self, id: Id) {
        let node = &self.graph.nodes[id];
        if self.graph.classes[id] == Class::Reduce {
            let operand = self.operand(node.inputs[0]);
            let target = position(&mut self.fused.writes, ((self.place)(id), self.graph.size(id)));
            self.fused.reductions.push(Reduction { operand, is_max: matches!(node.op, Op::Max(_)), target });
            return;
        }
        let stored = self.grouping.stored_in[id] == Some(self.number);
        if self.graph.constant(id).is_some() && !stored {
            return;
        }
        let (operation, operands) = match &node.op {
            Op::Broadcast(_) | Op::Transpose(_) | Op::Slice(_) => match self.view(id) {
                // One number everywhere needs no tile of its own.
                (Operation::Copy, operands) if !stored => {
                    self.values.insert(id, operands[0]);
                    return;
                }
                view => view,
            },
            Op::Random(distribution, stream) => (self.draw(id, *distribution, *stream), Vec::new()),
            Op::ToFloat if self.graph.nodes[node.inputs[0]].kind == Kind::Index => {
                let source = self.graph.base[node.inputs[0]];
                let item = ((self.place)(source), self.graph.size(source));
                (Operation::Index(position(&mut self.fused.indices, item)), Vec::new())
            }
            op => {
                let operands = node.inputs.iter().map(|input| self.operand(*input)).collect();
                (elementwise(op), operands)
            }
        };
        let target = if stored {
            Target::Memory(position(&mut self.fused.writes, ((self.place)(id), self.graph.size(id))))
        } else {
            Target::Register(self.fused.instructions.len())
        };
        let value = match target {
            Target::Memory(slot) => Operand::Written(slot),
            Target::Register(register) => Operand::Register(register),
        };
        self.values.insert(id, value);
        self.fused.instructions.push(Instruction { operation, operands, target });
    }

    /// A broadcast, transpose or slice as strides over its operand.
    fn view(&mut self, id: Id) -> (Operation, Vec<Operand>) {
        let node = &self.graph.nodes[id];
        let operand = &self.graph.nodes[node.inputs[0]];
        let base = self.graph.base[node.inputs[0]];
        if let Some(value) = self.graph.constant(base) {
            return (Operation::Copy, vec![Operand::Immediate(value)]);
        }
        let slot = self.read(base);
        if self.graph.size(base) == 1 {
            return (Operation::Copy, vec![Operand::Scalar(slot)]);
        }
        let inner = strides(&operand.shape);
        let (offset, steps): (usize, Vec<usize>) = match &node.op {
            Op::Broadcast(axes) => {
                let step = |axis| axes.iter().position(|target| *target == axis).map_or(0, |i| inner[i]);
                (0, (0..node.shape.len()).map(step).collect())
            }
            Op::Transpose(permutation) => (0, permutation.iter().map(|axis| inner[*axis]).collect()),
            Op::Slice(start) => (start.iter().zip(&inner).map(|(start, step)| start * step).sum(), inner),
            _ => (0, inner),
        };
        let view = View { slot, offset, axes: collapse(&node.shape, &steps), steady: None };
        (Operation::View(position(&mut self.fused.views, view)), Vec::new())
    }

    fn draw(&mut self, id: Id, distribution: enscore_program::Distribution, stream: u32) -> Operation {
        use enscore_program::Distribution as Program;
        let node = &self.graph.nodes[id];
        let distribution = match distribution {
            Program::Normal => Distribution::Normal,
            Program::Rademacher => Distribution::Rademacher,
            // Indices are drawn by a kernel of their own.
            Program::Uniform | Program::Index(_) => Distribution::Uniform,
        };
        let key = match self.graph.nodes[self.graph.base[node.inputs[0]]].op {
            Op::Input(position) => position,
            _ => 0,
        };
        let row_len = node.shape[1..].iter().product();
        self.fused.draws.push(Draw { distribution, stream, row_len, key });
        Operation::Draw(self.fused.draws.len() - 1)
    }

    /// a b + c in one instruction, where a b is used nowhere else.
    fn fuse_products(&mut self) {
        let mut uses: HashMap<usize, usize> = HashMap::new();
        let reduced = self.fused.reductions.iter().map(|reduction| &reduction.operand);
        for operand in self.fused.instructions.iter().flat_map(|i| &i.operands).chain(reduced) {
            if let Operand::Register(register) = operand {
                *uses.entry(*register).or_default() += 1;
            }
        }
        let mut products: HashMap<usize, usize> = HashMap::new();
        for position in 0..self.fused.instructions.len() {
            let instruction = &self.fused.instructions[position];
            if instruction.operation == Operation::Binary(Binary::Add) {
                let factor = instruction.operands.iter().position(|operand| match operand {
                    Operand::Register(register) => products.contains_key(register) && uses[register] == 1,
                    _ => false,
                });
                if let Some(factor) = factor {
                    let term = instruction.operands[1 - factor];
                    let Operand::Register(register) = instruction.operands[factor] else { continue };
                    let product = products[&register];
                    let mut operands = std::mem::take(&mut self.fused.instructions[product].operands);
                    operands.push(term);
                    let target = self.fused.instructions[position].target;
                    self.fused.instructions[position] =
                        Instruction { operation: Operation::MultiplyAdd, operands, target };
                }
            }
            let instruction = &self.fused.instructions[position];
            if let (Operation::Binary(Binary::Mul), Target::Register(register)) =
                (instruction.operation, instruction.target)
            {
                products.insert(register, position);
            }
        }
        let absorbed =
            |i: &Instruction| i.operation == Operation::Binary(Binary::Mul) && i.operands.is_empty();
        self.fused.instructions.retain(|instruction| !absorbed(instruction));
    }

    /// Numbers the views that repeat themselves and go to one register, as many as there is room for.
    fn find_steady(&mut self) {
        let mut number = 0;
        for (position, view) in self.fused.views.iter_mut().enumerate() {
            let mut uses =
                self.fused.instructions.iter().filter(|i| i.operation == Operation::View(position));
            let target = uses.next().map(|instruction| instruction.target);
            let once = matches!(target, Some(Target::Register(_))) && uses.next().is_none();
            if once && number < MOST_STEADY && view.repetition().is_some() {
                view.steady = Some(number);
                number += 1;
            }
        }
    }

    fn is_steady(&self, instruction: &Instruction) -> bool {
        matches!(instruction.operation, Operation::View(view) if self.fused.views[view].steady.is_some())
    }

    /// Gives registers that are not needed at the same time the same room. A target never is one of its
    /// operands.
    fn share_registers(&mut self) {
        let mut last_use: HashMap<usize, usize> = HashMap::new();
        for (position, instruction) in self.fused.instructions.iter().enumerate() {
            for operand in &instruction.operands {
                if let Operand::Register(register) = operand {
                    last_use.insert(*register, position);
                }
            }
        }
        // A steady view keeps its register for good, one that nobody had before.
        for instruction in self.fused.instructions.iter().filter(|instruction| self.is_steady(instruction)) {
            if let Target::Register(register) = instruction.target {
                last_use.insert(register, usize::MAX);
            }
        }
        for reduction in &self.fused.reductions {
            if let Operand::Register(register) = reduction.operand {
                last_use.insert(register, usize::MAX);
            }
        }
        let mut room: HashMap<usize, usize> = HashMap::new();
        let mut free: Vec<usize> = Vec::new();
        for position in 0..self.fused.instructions.len() {
            let is_steady = self.is_steady(&self.fused.instructions[position]);
            let instruction = &mut self.fused.instructions[position];
            let mut done = Vec::new();
            for operand in &mut instruction.operands {
                if let Operand::Register(register) = operand {
                    if last_use.get(register) == Some(&position) && !done.contains(&room[register]) {
                        done.push(room[register]);
                    }
                    *register = room[register];
                }
            }
            if let Target::Register(register) = &mut instruction.target {
                let used = if is_steady { None } else { free.pop() };
                let given = used.unwrap_or_else(|| {
                    self.fused.registers += 1;
                    self.fused.registers - 1
                });
                room.insert(*register, given);
                // A value that nobody reads leaves its room at once.
                if !last_use.contains_key(register) {
                    done.push(given);
                }
                *register = given;
            }
            free.extend(done);
        }
        for reduction in &mut self.fused.reductions {
            if let Operand::Register(register) = &mut reduction.operand {
                *register = room[register];
            }
        }
    }
}

fn elementwise(op: &Op) -> Operation {
    match op {
        Op::Unary(f) => Operation::Unary(*f),
        Op::Binary(f) => Operation::Binary(*f),
        Op::Compare(f) => Operation::Compare(*f),
        Op::Logic(f) => Operation::Logic(*f),
        Op::Not => Operation::Not,
        Op::IsFinite => Operation::IsFinite,
        Op::Select => Operation::Select,
        // Truth values are kept as 0 and 1.
        _ => Operation::Copy,
    }
}

/// Axes with their strides, neighbours that move together made one.
fn collapse(shape: &[usize], steps: &[usize]) -> Vec<(usize, usize)> {
    let mut axes: Vec<(usize, usize)> = Vec::new();
    for (extent, step) in shape.iter().zip(steps).filter(|(extent, _)| **extent != 1) {
        match axes.last_mut() {
            Some(outer) if outer.1 == step * extent => *outer = (outer.0 * extent, *step),
            _ => axes.push((*extent, *step)),
        }
    }
    axes
}
